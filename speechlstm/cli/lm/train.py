"""`speechlstm lm train`: train an LSTM language model on text."""

import sys
from pathlib import Path
from typing import Any

import click

from speechlstm.cli.lm.options import (
    alphabet_of,
    alphabet_option,
    exclude_option,
    read_texts,
    vocabulary_option,
)
from speechlstm.cli.output import say, show
from speechlstm.cli.training import load_keras, resumable
from speechlstm.cli.types import PATH, IntegerRange, NumberRange, OutputFolder
from speechlstm.cli.verbs import refuse_if, verb

_COUNT = IntegerRange(min=1)
_SHAPE = {"num_layers", "num_units", "width"}  # settings that determine the shapes of weights


@verb()
@click.argument("texts", metavar="TEXT...", nargs=-1, type=PATH)
@click.option("-o", "--output", "run_path", metavar="RUN", type=OutputFolder(), required=True)
@click.option(
    "--valid", metavar="TEXT", type=PATH, help="Validation text, which is not part of TEXT."
)
@vocabulary_option
@click.option("--lm", metavar="LM", type=PATH, help="Use the vocabulary of this n-gram model.")
@exclude_option
@alphabet_option
@click.option(
    "--init-from",
    metavar="RUN",
    type=PATH,
    help="Start from the best model of RUN; network and vocabulary are those of RUN.",
)
@click.option("--layers", "num_layers", type=_COUNT, help="Recurrent layers.  [default: 1]")
@click.option("--units", "num_units", type=_COUNT, help="Units of a layer.  [default: 512]")
@click.option("--width", type=_COUNT, help="Width of the embeddings.  [default: 192]")
@click.option("--dropout", type=NumberRange(0, 1, max_open=True), help="[default: 0.1]")
@click.option("--epochs", "num_epochs", type=_COUNT, help="[default: 2]")
@click.option("--batch-words", type=_COUNT, help="Words of a batch.  [default: 5000]")
@click.option("--learning-rate", type=NumberRange(0, min_open=True), help="[default: 0.003]")
@click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16"]),
    help="Precision of large products.  [default: float32]",
)
@click.option("--checkpoint-minutes", type=NumberRange(min=0), help="[default: 5]")
@click.option("--seed", type=IntegerRange(min=0), help="[default: 1]")
@click.option("--resume", is_flag=True, help="Continue the run in the output folder.")
def command(
    texts: tuple[Path, ...],
    run_path: Path,
    valid: Path | None,
    vocabulary: int | Path | None,
    lm: Path | None,
    exclude: tuple[Path, ...],
    bundle: Path | None,
    init_from: Path | None,
    resume: bool,
    **settings: Any,
) -> None:
    """Train an LSTM language model on TEXT: UTF-8, one sentence per line, plain, .gz or .xz.

    TEXT may be a manifest, whose texts are taken. It is normalised like transcripts: lower case, no
    punctuation. Ctrl-C, SIGTERM and the end of the terminal save a checkpoint, and --resume
    continues from it. --resume --epochs changes the number of epochs: the learning rate is then
    that of a run of the new length. On a CPU, KERAS_BACKEND=torch is the fastest.

    \b
    Example:
      speechlstm lm train books.txt.xz --valid other.txt --lm books.lm -o runs/lm
      speechlstm lm train --resume --epochs 4 -o runs/lm
      speechlstm lm train my.txt --valid other.txt --init-from runs/lm --epochs 1 -o runs/my
    """
    given = {key: value for key, value in settings.items() if value is not None}
    fixed = given.keys() - {"num_epochs"}
    of_new_runs = (texts, valid, vocabulary, lm, exclude, bundle, init_from, fixed)
    refuse_if(
        (
            resume and any(of_new_runs),
            "--resume takes texts and settings from the run: only --epochs may be changed",
        ),
        (
            not resume and not (texts and valid),
            "a new run needs TEXT and --valid; --resume continues a run",
        ),
        (vocabulary and lm, "--vocabulary and --lm exclude each other: use only one"),
        (
            init_from and (vocabulary or lm or bundle or given.keys() & _SHAPE),
            "--init-from takes network and vocabulary from RUN: do not use --vocabulary, --lm, "
            "--bundle, --layers, --units or --width",
        ),
    )
    with resumable(run_path, ["speechlstm", "lm", "train", "--resume", "-o", str(run_path)]):
        load_keras()
        from speechlstm.lm.ngram.model import NGramModel
        from speechlstm.training.lm.recipe import resume_language_model, train_language_model

        shown: dict[str, Any] = {"report": say, "progress": sys.stderr.isatty()}
        if valid is None:
            resume_language_model(run_path, given.get("num_epochs"), **shown)
        else:
            train_language_model(
                read_texts(texts, exclude),
                valid,
                run_path,
                given,
                vocabulary=NGramModel.load(lm).words if lm else vocabulary,
                alphabet=alphabet_of(bundle),
                init_from=init_from,
                **shown,
            )
    show(f"{run_path}")
