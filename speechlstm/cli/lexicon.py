"""`speechlstm lexicon`: the pronunciations of the words in texts."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from speechlstm.cli.options import PATH, OutputPath
from speechlstm.cli.output import say
from speechlstm.cli.training import load_keras
from speechlstm.cli.verbs import verb
from speechlstm.errors import counted

if TYPE_CHECKING:
    from speechlstm.text.g2p import G2PModel
    from speechlstm.text.lexicon import Lexicon


@verb()
@click.argument("words", type=PATH, nargs=-1, required=True)
@click.option("-o", "--output", metavar="LEXICON", type=OutputPath(), required=True)
@click.option(
    "--dictionary",
    "dictionary_path",
    type=PATH,
    required=True,
    help="Pronouncing dictionary (CMUdict's format) to copy from, and to train the network on.",
)
@click.option(
    "--g2p",
    "--pronouncer",
    "g2p_path",
    metavar="FILE",
    type=OutputPath((".tflite",), is_kept=True),
    help="The .tflite file of the G2P network: used if it exists, otherwise written.",
)
@click.option(
    "--min-count",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Leave out words that occur less often.",
)
@click.pass_context
def command(
    ctx: click.Context,
    words: tuple[Path, ...],
    output: Path,
    dictionary_path: Path,
    g2p_path: Path | None,
    min_count: int,
) -> None:
    """Write a lexicon with the pronunciations of all words in WORDS, which are texts or manifests.

    Pronunciations are copied from the dictionary. For other words, a small G2P network is trained
    on the dictionary, which takes minutes; --g2p keeps it for the next time. Words with other
    characters than a to z and apostrophes are reported and left out unless the dictionary has them;
    the exit code is then 1.

    \b
    Example:
      speechlstm lexicon train.jsonl names.txt --dictionary cmudict.dict -o lexicon.dict
    """
    from collections import Counter

    from speechlstm.corpora.stats import count_words
    from speechlstm.errors import AlphabetError, DataError
    from speechlstm.text.lexicon import LETTERS, Lexicon

    dictionary = Lexicon.read(dictionary_path)
    counts = sum(map(count_words, words), Counter[str]())
    entries = {word: dictionary[word] for word, count in counts.items() if count >= min_count}
    unknown, num_faults = [], 0
    for word in [word for word, ways in entries.items() if not ways]:
        try:
            LETTERS.encode(word)
            unknown.append(word)
        except AlphabetError as error:
            say(f"Error: {error}")
            del entries[word]
            num_faults += 1
    if not entries:
        raise DataError("the texts have no word that can be pronounced")
    if unknown:
        with TemporaryDirectory() as folder:
            kept = g2p_path or Path(folder) / "pronouncer.tflite"
            pronounce = _obtain(kept, dictionary).pronounce
            entries |= {word: (pronounce(word),) for word in unknown}
    Lexicon(entries).write(output)
    say(
        f"{output}: {counted(len(entries), 'word')}, {len(unknown)} of them pronounced by the "
        f"network, {num_faults} left out"
    )
    if num_faults:
        ctx.exit(1)


def _obtain(path: Path, dictionary: "Lexicon") -> "G2PModel":
    """The G2P network in a file; if there is none, one is trained on the dictionary first."""
    from speechlstm.errors import ModelError
    from speechlstm.text.g2p import G2PModel

    if not path.exists():
        load_keras("tensorflow")  # needed to write the .tflite file
        from speechlstm.training.g2p.export import write_g2p
        from speechlstm.training.g2p.network import train_g2p

        say(f"training a G2P network on {counted(len(dictionary.entries), 'word')}")
        write_g2p(path, train_g2p(dictionary, progress=sys.stderr.isatty()))
    model = G2PModel(path)
    if model.phones != dictionary.alphabet:
        raise ModelError(f"{path}: has other phones than the dictionary; remove it to train anew")
    return model
