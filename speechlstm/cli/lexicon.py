"""`speechlstm lexicon`: the pronunciations of the words in texts."""

import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from speechlstm.cli.output import say
from speechlstm.cli.training import load_keras
from speechlstm.cli.types import PATH, IntegerRange, OutputPath
from speechlstm.cli.verbs import verb
from speechlstm.errors import counted, quoted

if TYPE_CHECKING:
    from speechlstm.text.g2p import G2PModel
    from speechlstm.text.lexicon import Lexicon

# Of a dictionary to train on. With 12,500, 54 % of other words are right; with fewer than this, the
# training has less than 64 updates.
_LEAST_WORDS = 1000


@verb()
@click.argument("words", metavar="TEXT...", type=PATH, nargs=-1, required=True)
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
    type=IntegerRange(min=1),
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
    """Write a lexicon with the pronunciations of all words in TEXT: texts or manifests.

    Pronunciations are copied from the dictionary. For other words, a small G2P network is trained
    on the dictionary, which takes minutes and at least 1,000 words; --g2p keeps it for the next
    time. Words with other characters than a to z and apostrophes are reported and left out unless
    the dictionary has them; the exit code is then 1.

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
            if not kept.exists():
                _check_size(dictionary_path, dictionary, unknown)
            pronounce = _obtain(kept, dictionary).pronounce
            entries |= {word: (pronounce(word),) for word in unknown}
    Lexicon(entries).write(output)
    say(
        f"{output}: {counted(len(entries), 'word')}, {len(unknown)} of them pronounced by the "
        f"network, {num_faults} left out"
    )
    if num_faults:
        ctx.exit(1)


def _check_size(path: Path, dictionary: "Lexicon", unknown: Sequence[str]) -> None:
    """Refuse to train on a dictionary that is too small, with the words that it lacks."""
    from speechlstm.errors import DataError

    if (num_words := len(dictionary.entries)) < _LEAST_WORDS:
        named = ", ".join(map(quoted, unknown[:5]))
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        raise DataError(
            f"{path}: has {counted(num_words, 'word')}, too few to train a network that pronounces "
            f"{named}{more} (at least {_LEAST_WORDS:,}); add them to it, give a larger dictionary, "
            "or a trained network with --g2p"
        )


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
