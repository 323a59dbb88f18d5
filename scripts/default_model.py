"""Recipe of the model in the package: letters, digits, numbers, dates and commands in English.

    python scripts/synthesize.py synthetic
    python scripts/default_model.py corpora/ synthetic/ -o speechlstm/assets/english

CORPORA holds the folders an4, speech-commands and fsdd, each with a train.jsonl. A tenth of each
one's speakers is held out for validation; the synthetic recordings are only trained on. Run again
after an interruption, it goes on where it was.
"""

import sys
from functools import partial
from pathlib import Path

import click

from speechlstm.config import Settings
from speechlstm.corpus import write_split
from speechlstm.errors import SpeechLSTMError
from speechlstm.evaluation import evaluate
from speechlstm.manifest import Manifest
from speechlstm.recognizer import Recognizer

CONFIG = Path(__file__).with_suffix(".toml")
CORPORA = ("an4", "speech-commands", "fsdd")
VALIDATION_SHARE = 0.1
SEED = 1


@click.command(help=__doc__)
@click.argument("corpora", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("synthetic", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="BUNDLE")
@click.option("--run", "run_path", type=click.Path(path_type=Path), default=Path("runs/default"),
              show_default=True, help="Folder of the run.")  # fmt: skip
def main(corpora: Path, synthetic: Path, output: Path, run_path: Path) -> None:
    """Train, export, evaluate."""
    try:
        train_and_export(corpora, synthetic, output, run_path)
    except (SpeechLSTMError, OSError) as error:
        sys.exit(f"Error: {error}")


def train_and_export(corpora: Path, synthetic: Path, output: Path, run_path: Path) -> None:
    """The whole recipe; progress goes to stderr."""
    from speechlstm.training.export import export_run
    from speechlstm.training.recipe import prepare_run, train_run
    from speechlstm.training.run import load_run

    valid = [run_path / f"{name}-valid.jsonl" for name in CORPORA]
    if (run_path / "run.json").exists():
        run = load_run(run_path)
    else:
        run_path.mkdir(parents=True, exist_ok=True)
        train = [run_path / f"{name}-train.jsonl" for name in CORPORA]
        for name, *parts in zip(CORPORA, train, valid, strict=True):
            write_split(Manifest(corpora / name / "train.jsonl"), VALIDATION_SHARE, SEED, *parts)
        train.append(synthetic / "train.jsonl")
        run = prepare_run(run_path, train, valid, Settings.read(CONFIG))
    train_run(run, lambda line: click.echo(line, err=True), progress=sys.stderr.isatty())
    export_run(run, output, "int8", report=lambda verification: click.echo(verification.to_text()))
    for path in valid:
        report = evaluate(partial(Recognizer.load, output), Manifest(path))
        click.echo(f"{path.stem}: WER {report.wer:.1%}, CER {report.cer:.1%}")
    click.echo(output)


if __name__ == "__main__":
    main()
