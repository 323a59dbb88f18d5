"""`speechlstm lm train`: train an LSTM language model on text."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from speechlstm.cli.lm.options import (
    alphabet_of,
    alphabet_option,
    exclude_option,
    limited,
    read_texts,
    vocabulary_option,
)
from speechlstm.cli.options import PATH, NumberRange, OutputFolder
from speechlstm.cli.output import say, show
from speechlstm.cli.training import load_keras, resumable
from speechlstm.cli.verbs import refuse_if, verb
from speechlstm.errors import DataError

if TYPE_CHECKING:
    from speechlstm.lm.text import Text
    from speechlstm.text.alphabet import Alphabet
    from speechlstm.training.lm.run import LanguageModelRun

_COUNT = click.IntRange(min=1)
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
@click.option("--seed", type=click.IntRange(min=0), help="[default: 1]")
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

    The text is normalised like transcripts: lower case, no punctuation. Ctrl-C, SIGTERM and
    the end of the terminal save a checkpoint, and --resume continues from it. --resume --epochs
    changes the number of epochs: the learning rate is then that of a run of the new length. On a
    CPU, KERAS_BACKEND=torch is the fastest.

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
        from speechlstm.lm.text import tokenize

        load_keras()
        from speechlstm.training.engine.run_folder import locked
        from speechlstm.training.engine.word_loop import train_on_words
        from speechlstm.training.lm.run import load_language_model_run
        from speechlstm.training.lm.trainer import LanguageModelTrainer

        with locked(run_path):
            if valid is None:
                run = load_language_model_run(run_path)
                run = run.prolonged(given.get("num_epochs", run.training.num_epochs))
            else:
                source = load_language_model_run(init_from) if init_from else None
                initial = source.best_network() if source else None
                alphabet = alphabet_of(bundle)
                text = tokenize(read_texts(texts, exclude))
                text = _with_vocabulary(text, source, lm, vocabulary, alphabet)
                _refuse_unknown_words(text, texts[0])
                run = _new_run(run_path, given, text, source, alphabet)
                run.create(text, _validation_text(valid, text), initial)
            train_on_words(LanguageModelTrainer, run, say, sys.stderr.isatty())
    show(f"{run_path}")


def _with_vocabulary(
    text: "Text",
    source: "LanguageModelRun | None",
    lm: Path | None,
    vocabulary: int | Path | None,
    alphabet: "Alphabet | None",
) -> "Text":
    """Limit a text to the vocabulary of a run, of an n-gram model, or of --vocabulary."""
    from speechlstm.lm.ngram.model import NGramModel
    from speechlstm.lm.text import limit_vocabulary

    if source:
        return limit_vocabulary(text, source.words)
    if lm:
        return limit_vocabulary(text, NGramModel.load(lm).words)
    return limited(text, vocabulary, alphabet)


def _new_run(
    path: Path,
    given: dict[str, Any],
    text: "Text",
    source: "LanguageModelRun | None",
    alphabet: "Alphabet | None",
) -> "LanguageModelRun":
    """A run with the settings of the command line; others are those of the source, or defaults."""
    from speechlstm.training.lm.network import LanguageModelConfig, LanguageModelTraining
    from speechlstm.training.lm.run import LanguageModelRun

    network, training = LanguageModelConfig(), LanguageModelTraining()
    sha256 = alphabet.sha256 if alphabet else None
    if source:
        network, training, sha256 = source.model, source.training, source.alphabet_sha256
    shape = given.keys() & network.to_dict()
    network = replace(network, **{key: given[key] for key in shape})
    training = replace(training, **{key: given[key] for key in given.keys() - shape})
    return LanguageModelRun(path, network, training, tuple(text.vocabulary), sha256)


def _refuse_unknown_words(text: "Text", path: Path) -> None:
    """Refuse a text without a word of the vocabulary."""
    from speechlstm.lm.text import END_ID

    if not (text.tokens > END_ID).any():
        raise DataError(
            f"{path}: holds no word of the vocabulary: use another text or --vocabulary"
        )


def _validation_text(path: Path, text: "Text") -> "Text":
    """Read the validation text, with the vocabulary of the training text."""
    from speechlstm.lm.text import limit_vocabulary, read_sentences, tokenize

    valid = limit_vocabulary(tokenize(read_sentences(path)), text.vocabulary)
    _refuse_unknown_words(valid, path)
    return valid
