"""`speechlstm lm train`, `export` and `sample`: the LSTM language model."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from speechlstm.cli.lm_text import (
    alphabet_of,
    alphabet_option,
    exclude_option,
    limited,
    read_texts,
    vocabulary_option,
)
from speechlstm.cli.options import OutputPath
from speechlstm.errors import DataError

if TYPE_CHECKING:
    from speechlstm.lm.model import LanguageModel
    from speechlstm.lm.text import Text
    from speechlstm.training.tflite.edit import Quantization

_PATH = click.Path(path_type=Path)
_SHAPE = {"num_layers", "num_units", "width"}  # what a network's weights are bound to


@click.command()
@click.argument("texts", metavar="TEXT...", nargs=-1, type=_PATH)
@click.option("-o", "--output", "run_path", metavar="RUN", type=_PATH, required=True)
@click.option(
    "--valid", metavar="TEXT", type=_PATH, help="To measure on each epoch: of other texts."
)
@vocabulary_option
@click.option("--lm", metavar="LM", type=_PATH, help="An n-gram model whose words to take.")
@exclude_option
@alphabet_option
@click.option(
    "--init-from",
    metavar="RUN",
    type=_PATH,
    help="Adapt its model to other texts: network, words and, unless named, settings are its own.",
)
@click.option("--layers", "num_layers", type=int, help="Recurrent layers.  [default: 1]")
@click.option("--units", "num_units", type=int, help="Units of each.  [default: 512]")
@click.option("--width", type=int, help="Of the embeddings.  [default: 192]")
@click.option("--dropout", type=float, help="[default: 0.1]")
@click.option("--epochs", "num_epochs", type=int, help="[default: 2]")
@click.option("--batch-words", type=int, help="Words of a batch.  [default: 5000]")
@click.option("--learning-rate", type=float, help="[default: 0.003]")
@click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16"]),
    help="Of the large products.  [default: float32]",
)
@click.option("--checkpoint-minutes", type=float, help="[default: 5]")
@click.option("--seed", type=int, help="[default: 1]")
@click.option("--resume", is_flag=True, help="Go on with the run in the output folder.")
def train(
    texts: tuple[Path, ...],
    run_path: Path,
    valid: Path | None,
    vocabulary: str | None,
    lm: Path | None,
    exclude: tuple[Path, ...],
    model: Path | None,
    init_from: Path | None,
    resume: bool,
    **settings: Any,
) -> None:
    """Train an LSTM language model on TEXT: UTF-8, a sentence a line, plain, .gz or .xz.

    The text is normalised as transcripts are: lower case, no punctuation. Ctrl-C leaves a run that
    --resume goes on with. With KERAS_BACKEND=torch it takes the least time on a CPU.

    \b
    Example:
      speechlstm lm train books.txt.xz --valid other.txt --lm books.lm -o runs/lm
      speechlstm lm train my.txt --valid other.txt --init-from runs/lm --epochs 1 -o runs/my
    """
    given = {key: value for key, value in settings.items() if value is not None}
    if resume and (texts or valid or vocabulary or lm or exclude or model or init_from or given):
        raise click.UsageError("--resume takes texts and settings from the run")
    if not resume and not (texts and valid):
        raise click.UsageError("TEXT and --valid are needed, or --resume")
    if vocabulary and lm:
        raise click.UsageError("--vocabulary and --lm exclude each other")
    if init_from and (vocabulary or lm or model or given.keys() & _SHAPE):
        raise click.UsageError("--init-from takes the network and its words from RUN")
    from speechlstm.lm.ngram.model import NGramModel
    from speechlstm.lm.text import limit_vocabulary, tokenize
    from speechlstm.training.lm.network import LanguageModelConfig, LanguageModelTraining
    from speechlstm.training.lm.run import LanguageModelRun, load_language_model_run
    from speechlstm.training.lm.trainer import train_language_model

    if valid is None:
        run = load_language_model_run(run_path)
    else:
        source = load_language_model_run(init_from) if init_from else None
        initial = source.best_network() if source else None
        alphabet = alphabet_of(model)
        sha256 = alphabet.sha256 if alphabet else None
        network, training = LanguageModelConfig(), LanguageModelTraining()
        if source:
            network, training, sha256 = source.model, source.training, source.alphabet_sha256
        keys = given.keys() & network.to_dict()
        network = replace(network, **{key: given.pop(key) for key in keys})
        training = replace(training, **given)
        text = tokenize(read_texts(texts, exclude))
        if source:
            text = limit_vocabulary(text, source.words)
        elif lm:
            text = limit_vocabulary(text, NGramModel.load(lm).words)
        else:
            text = limited(text, vocabulary, alphabet)
        _refuse_strange(text, texts[0])
        run = LanguageModelRun(run_path, network, training, tuple(text.vocabulary), sha256)
        run.create(text, _measured_on(valid, text), initial)
    train_language_model(run, lambda line: click.echo(line, err=True), sys.stderr.isatty())
    click.echo(run_path)


@click.command()
@click.argument("run", type=_PATH)
@click.option("-o", "--output", metavar="LM.tflite", type=OutputPath(), required=True)
@click.option(
    "--quantize",
    "quantization",
    type=click.Choice(["none", "float16", "int8"]),
    default="none",
    show_default=True,
    help="Store embeddings and kernels in fewer bits.",
)
def export(run: Path, output: Path, quantization: "Quantization") -> None:
    """Make a .tflite file of the best model of RUN.

    It is run by LiteRT on RUN's validation text before it is written, and refused if its
    perplexity is not that of the model in Keras.

    \b
    Example:
      speechlstm lm export runs/lm -o books.tflite --quantize int8
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whichever the run was trained on

    from speechlstm.training.lm.export import export_language_model
    from speechlstm.training.lm.run import load_language_model_run

    expected, found = export_language_model(load_language_model_run(run), output, quantization)
    click.echo(
        f"{output}: {output.stat().st_size / 1e6:.3g} MB; validation perplexity {found:.2f}, in "
        f"Keras {expected:.2f}"
    )


@click.command()
@click.argument("lm", type=_PATH)
@click.option("--prompt", default="", metavar="TEXT", help="How it begins.")
@click.option("--num-words", type=click.IntRange(min=1), default=50, show_default=True)
@click.option(
    "--temperature",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="Below 1: more of what is probable.",
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
def sample(lm: Path, prompt: str, num_words: int, temperature: float, seed: int) -> None:
    """Write what LM, packed, ARPA or .tflite, holds for probable, a sentence a line.

    \b
    Example:
      speechlstm lm sample books.tflite --prompt "it was a" --temperature 0.8
    """
    import numpy as np

    from speechlstm.lm.sample import sample as sampled
    from speechlstm.text.normalize import normalize

    generator = np.random.default_rng(seed)
    words = normalize(prompt).split()
    for sentence in sampled(load_any(lm), words, num_words, temperature, generator):
        click.echo(" ".join(sentence))


def load_any(path: Path) -> "LanguageModel":
    """A language model: an LSTM if its name ends in .tflite, else packed or ARPA."""
    from speechlstm.lm.lstm import LSTMLanguageModel
    from speechlstm.lm.ngram.model import NGramModel

    return LSTMLanguageModel(path) if path.suffix == ".tflite" else NGramModel.load(path)


def _refuse_strange(text: "Text", path: Path) -> None:
    """Refuse a text of which the vocabulary has no word."""
    from speechlstm.lm.text import END_ID

    if not (text.tokens > END_ID).any():
        raise DataError(f"{path}: holds no word of the vocabulary")


def _measured_on(path: Path, text: "Text") -> "Text":
    """The validation text in the words of the other one."""
    from speechlstm.lm.text import limit_vocabulary, read_sentences, tokenize

    valid = limit_vocabulary(tokenize(read_sentences(path)), text.vocabulary)
    _refuse_strange(valid, path)
    return valid
