"""Recipe: a recogniser of 35 spoken commands, small enough for any phone (1.6 MB).

    KERAS_BACKEND=torch python scripts/recipes/commands.py CORPORA -o bundles/commands

CORPORA is the same folder as for scripts/recipes/english.py. A tenth of the speakers of Speech
Commands is held out. As there are few recordings of each command, the network is also trained on
letters, digits and read speech, and each recording of a command is used three times in an epoch.
The lexicon holds only the commands, and the language model expects a single command. After an
interruption, the same command continues.
"""

import subprocess
import sys
from pathlib import Path

import click
from english import dictionary, make_lists, make_model, speechlstm

from speechlstm.corpora.stats import count_words
from speechlstm.errors import SpeechLSTMError
from speechlstm.storage import write_atomically

CONFIG = Path(__file__).with_suffix(".toml")
READ = ("common-voice", "cmu-arctic")
SAID = ("speech-commands", "an4", "fsdd")
REPEATS = 3  # of the commands in an epoch


@click.command(help=__doc__)
@click.argument("corpora", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="BUNDLE")
@click.option("--work", type=click.Path(path_type=Path), default=Path("runs/commands"),
              show_default=True, help="Folder for the results of the steps.")  # fmt: skip
def main(corpora: Path, output: Path, work: Path) -> None:
    """Run the steps that are not done yet, then evaluate the bundle."""
    work.mkdir(parents=True, exist_ok=True)
    try:
        train, valid = make_lists(corpora, work, READ, SAID, ())
        commands, unseen = train[len(READ)], valid[0]
        make_model(corpora, work, train + [commands] * (REPEATS - 1), [unseen], CONFIG)
        make_bundle(corpora, work, commands, unseen, output)
    except (SpeechLSTMError, OSError) as error:
        sys.exit(f"Error: {error}")
    subprocess.run(
        [sys.executable, "-m", "speechlstm", "evaluate", unseen, "--bundle", output], check=True
    )


def make_bundle(corpora: Path, work: Path, commands: Path, unseen: Path, output: Path) -> None:
    """Export the model, with a decoder for a single command in each recording."""
    words, lm, lexicon = work / "words.txt", work / "words.lm", work / "words.dict"
    write_atomically(words, "".join(f"{word}\n" for word in sorted(count_words(commands))))
    speechlstm("lm", "build", words, "-o", lm, "--order", "2")
    speechlstm("lexicon", words, "-o", lexicon, *dictionary(corpora, work))
    speechlstm("export", work / "run", "-o", output, "--quantize", "int8")
    speechlstm("tune", output, unseen, "--lm", lm, "--lexicon", lexicon)


if __name__ == "__main__":
    main()
