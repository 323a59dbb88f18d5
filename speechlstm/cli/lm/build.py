"""`speechlstm lm build`: estimate an n-gram model from text."""

import time
from pathlib import Path

import click

from speechlstm.cli.lm.ngrams import (
    check_arpa_options,
    describe_model,
    output_option,
    quantize_option,
    write_model,
)
from speechlstm.cli.lm.options import (
    alphabet_of,
    alphabet_option,
    exclude_option,
    read_texts,
    vocabulary_option,
)
from speechlstm.cli.output import say
from speechlstm.cli.types import PATH, IntegerRange
from speechlstm.cli.verbs import verb
from speechlstm.errors import ConfigError


@verb()
@click.argument("texts", metavar="TEXT...", nargs=-1, required=True, type=PATH)
@output_option
@click.option("--order", type=IntegerRange(1, 6), default=3, show_default=True)
@click.option(
    "--prune",
    metavar="COUNTS",
    default="0",
    show_default=True,
    help="For each order, the count up to which n-grams are dropped, as in '0 1 2'.",
)
@vocabulary_option
@exclude_option
@alphabet_option
@quantize_option
def command(
    texts: tuple[Path, ...],
    output: Path,
    order: int,
    prune: str,
    vocabulary: int | Path | None,
    exclude: tuple[Path, ...],
    bundle: Path | None,
    quantize: bool,
) -> None:
    """Estimate an n-gram model from TEXT: UTF-8, one sentence per line, plain, .gz or .xz.

    TEXT may be a manifest, whose texts are taken, or -, for standard input. It is normalised like
    transcripts: lower case, no punctuation. Probabilities are smoothed by interpolated modified
    Kneser-Ney.

    \b
    Example:
      speechlstm lm build books.txt.xz -o books.lm --prune "0 1 2" --vocabulary 50000 --quantize
    """
    from speechlstm.lm.ngram.estimate import estimate
    from speechlstm.lm.text import chosen_words, limit_vocabulary, tokenize

    start = time.perf_counter()
    counts = _parse_prune(prune, order)
    check_arpa_options(output, bundle, quantize)
    alphabet = alphabet_of(bundle)
    text = tokenize(read_texts(texts, exclude))
    text = limit_vocabulary(text, chosen_words(text, vocabulary, alphabet))
    estimated = estimate(text, order, counts)
    for n, discounts in enumerate(estimated.discounts, start=1):
        if discounts.is_fallback:
            say(
                f"Warning: {n}-grams: too few, or with too regular counts, to estimate discounts; "
                f"used {', '.join(f'{value:g}' for value in discounts.values)}"
            )
    write_model(output, estimated.table, alphabet.sha256 if alphabet else None, quantize)
    say(f"{describe_model(output, estimated.table)}; {time.perf_counter() - start:.0f} s")


def _parse_prune(prune: str, order: int) -> list[int]:
    from speechlstm.lm.ngram.estimate import prune_thresholds

    try:
        counts = [int(count) for count in prune.replace(",", " ").split()]
        prune_thresholds(order, counts)
    except ConfigError as error:
        raise click.UsageError(f"--{error}") from None
    except ValueError:
        raise click.UsageError(
            f"--prune: must be whole numbers, as in '0 1 2', is {prune!r}"
        ) from None
    return counts
