"""`speechlstm lm`: language models, which tell the decoder what is likely to be said."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from speechlstm.cli.lm_lstm import export, load_any, sample, train
from speechlstm.cli.lm_text import (
    alphabet_of,
    alphabet_option,
    exclude_option,
    limited,
    read_texts,
    vocabulary_option,
)
from speechlstm.cli.options import OutputPath

if TYPE_CHECKING:
    from speechlstm.lm.ngram.table import NGramTable

_PATH = click.Path(path_type=Path)
_OUTPUT = click.option(
    "-o",
    "--output",
    metavar="LM",
    type=OutputPath(),
    required=True,
    help="A packed model; ARPA where the name ends in .arpa, .arpa.gz or .arpa.xz.",
)
_QUANTIZE = click.option(
    "--quantize", is_flag=True, help="A byte for each probability: smaller, hardly worse."
)


@click.group()
def command() -> None:
    """Make language models from text, and measure how well they foretell a text.

    \b
    Example:
      speechlstm lm build books.txt.gz -o books.lm
    """


for verb in (train, export, sample):
    command.add_command(verb)


@command.command()
@click.argument("texts", metavar="TEXT...", nargs=-1, required=True, type=_PATH)
@_OUTPUT
@click.option("--order", type=click.IntRange(1, 6), default=3, show_default=True)
@click.option(
    "--prune",
    metavar="COUNTS",
    default="0",
    show_default=True,
    help="For each order, the count up to which n-grams are dropped: '0 1 2'.",
)
@vocabulary_option
@exclude_option
@alphabet_option
@_QUANTIZE
def build(
    texts: tuple[Path, ...],
    output: Path,
    order: int,
    prune: str,
    vocabulary: str | None,
    exclude: tuple[Path, ...],
    model: Path | None,
    quantize: bool,
) -> None:
    """Estimate an n-gram model from TEXT: UTF-8, a sentence a line, plain, .gz or .xz.

    The text is normalised as transcripts are: lower case, no punctuation. The estimate is
    interpolated modified Kneser-Ney.

    \b
    Example:
      speechlstm lm build books.txt.xz -o books.lm --prune "0 1 2" --vocabulary 50000 --quantize
    """
    from speechlstm.lm.ngram.estimate import estimate
    from speechlstm.lm.text import tokenize

    start = time.perf_counter()
    thresholds = _parse_prune(prune)
    _check_arpa_options(output, model, quantize)
    alphabet = alphabet_of(model)
    text = tokenize(read_texts(texts, exclude))
    text = limited(text, vocabulary, alphabet)
    estimated = estimate(text, order, thresholds)
    for n, discounts in enumerate(estimated.discounts, start=1):
        if discounts.is_fallback:
            click.echo(
                f"Warning: {n}-grams: too few, or too regular, for discounts of their own; took "
                f"{', '.join(f'{value:g}' for value in discounts.values)}",
                err=True,
            )
    _write(output, estimated.table, alphabet.sha256 if alphabet else None, quantize)
    click.echo(
        f"{_describe(output, estimated.table)}; {time.perf_counter() - start:.0f} s", err=True
    )


@command.command()
@click.argument("lm", type=_PATH)
@_OUTPUT
@alphabet_option
@_QUANTIZE
def convert(lm: Path, output: Path, model: Path | None, quantize: bool) -> None:
    """Turn LM, packed or ARPA, into a packed or an ARPA file.

    \b
    Example:
      speechlstm lm convert theirs.arpa.gz -o theirs.lm --quantize
    """
    from speechlstm.lm.ngram.model import NGramModel

    _check_arpa_options(output, model, quantize)
    loaded, alphabet = NGramModel.load(lm), alphabet_of(model)
    table = loaded.to_table()
    _write(output, table, alphabet.sha256 if alphabet else loaded.alphabet_sha256, quantize)
    click.echo(_describe(output, table), err=True)


@command.command()
@click.argument("lm", type=_PATH)
@click.argument("text", type=_PATH)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object with every sentence.")
def perplexity(lm: Path, text: Path, as_json: bool) -> None:
    """Measure how well LM, packed, ARPA or .tflite, foretells TEXT: UTF-8, a sentence a line.

    Perplexity is 10 to the power of minus the mean log10 probability of words and sentence ends;
    unknown words count as <unk>.

    \b
    Example:
      speechlstm lm perplexity books.lm transcripts.txt
    """
    from speechlstm.lm.perplexity import measure_perplexity
    from speechlstm.lm.text import read_sentences

    report = measure_perplexity(load_any(lm), read_sentences(text))
    click.echo(json.dumps(report.to_dict(), ensure_ascii=False) if as_json else report.to_text())


def _parse_prune(prune: str) -> list[int]:
    try:
        return [int(count) for count in prune.replace(",", " ").split()]
    except ValueError:
        raise click.UsageError(
            f"--prune takes whole numbers, as in '0 1 2'; is {prune!r}"
        ) from None


def _check_arpa_options(output: Path, model: Path | None, quantize: bool) -> None:
    from speechlstm.lm.ngram.arpa import is_arpa

    if is_arpa(output) and (model or quantize):
        raise click.UsageError("an ARPA file holds no alphabet and no quantised values")


def _write(output: Path, table: "NGramTable", alphabet_sha256: str | None, quantize: bool) -> None:
    from speechlstm.lm.ngram.arpa import is_arpa, write_arpa
    from speechlstm.lm.ngram.packed import write_packed
    from speechlstm.lm.ngram.quantize import quantize as quantized
    from speechlstm.lm.ngram.trie import build_trie

    if is_arpa(output):
        write_arpa(output, table)
    else:
        trie = build_trie(table)
        write_packed(output, quantized(trie) if quantize else trie, alphabet_sha256)


def _describe(output: Path, table: "NGramTable") -> str:
    sizes = ", ".join(f"{len(ngrams)} {n}-grams" for n, ngrams in enumerate(table.orders, start=1))
    return f"{output}: {sizes}; {output.stat().st_size / 1e6:.3g} MB"
