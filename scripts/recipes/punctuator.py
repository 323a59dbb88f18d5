"""Recipe of the network that restores capitals and punctuation: punctuated text to a .tflite file.

    KERAS_BACKEND=torch python scripts/recipes/punctuator.py punctuated.txt.xz \
        --speech common-voice/train.jsonl --speech ljspeech-part/train.jsonl -o punctuator.tflite

The text holds a passage a line. How long people pause at each mark is measured on the recordings
of punctuated texts that --speech names; in training, pauses are drawn by that. Each step's product
stays in the work folder: after an interruption, run the recipe again. The network is trained on
whichever backend of Keras is fastest (torch, on processors), and exported by TensorFlow.
"""

import os
import subprocess
import sys
from itertools import chain
from pathlib import Path

import click

from speechlstm.errors import SpeechLSTMError
from speechlstm.recognizer import Recognizer


@click.command(help=__doc__)
@click.argument("text", type=click.Path(path_type=Path, exists=True))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="TFLITE")
@click.option("--speech", type=click.Path(path_type=Path, exists=True), multiple=True,
              required=True, metavar="MANIFEST", help="Recordings of punctuated text.")  # fmt: skip
@click.option("--epochs", type=int, help="Passes over the text.")
@click.option("--work", type=click.Path(path_type=Path), default=Path("runs/punctuator"),
              show_default=True, help="Folder of the run.")  # fmt: skip
def main(
    text: Path, output: Path, speech: tuple[Path, ...], epochs: int | None, work: Path
) -> None:
    """Make what is not there yet."""
    try:
        train(text, speech, epochs, work)
    except (SpeechLSTMError, OSError) as error:
        sys.exit(f"Error: {error}")
    # In a process of its own: this one may have loaded another backend.
    code = (
        "from pathlib import Path\n"
        "from speechlstm.training.punctuation.export import export_punctuation\n"
        "from speechlstm.training.punctuation.run import load_punctuation_run\n"
        f"run = load_punctuation_run(Path({str(work)!r}))\n"
        f"change = export_punctuation(run, Path({str(output)!r}))\n"
        'print(f"mean change of a probability by export: {change:.4f}")\n'
    )
    environment = os.environ | {"KERAS_BACKEND": "tensorflow"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def train(text: Path, speech: tuple[Path, ...], epochs: int | None, work: Path) -> None:
    """Make the run, unless it is there, and train it to its end."""
    from speechlstm.training.engine.word_loop import train_on_words
    from speechlstm.training.punctuation.network import PunctuationConfig, PunctuationTraining
    from speechlstm.training.punctuation.run import PunctuationRun, load_punctuation_run
    from speechlstm.training.punctuation.text import (
        PunctuatedText,
        aligned_passages,
        count_pauses,
        mixed_case,
        read_passages,
        split_passages,
    )
    from speechlstm.training.punctuation.trainer import PunctuationTrainer

    if not (work / "run.json").exists():
        recognizer = Recognizer.load(greedy=True)
        recordings = chain.from_iterable(aligned_passages(recognizer, m) for m in speech)
        pauses = count_pauses(recordings)
        train, valid, _ = split_passages(read_passages(text))
        training = PunctuationTraining(**({"num_epochs": epochs} if epochs else {}))
        run = PunctuationRun(work, PunctuationConfig(), training, mixed_case(train))
        run.create(PunctuatedText.of(train), PunctuatedText.of(valid), pauses)
    run = load_punctuation_run(work)
    train_on_words(PunctuationTrainer, run, print, sys.stderr.isatty())


if __name__ == "__main__":
    main()
