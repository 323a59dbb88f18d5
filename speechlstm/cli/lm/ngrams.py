"""What `speechlstm lm build` and `convert` share: options, and writing of n-gram models."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from speechlstm.cli.types import OutputPath

if TYPE_CHECKING:
    from speechlstm.lm.ngram.table import NGramTable

output_option = click.option(
    "-o",
    "--output",
    metavar="LM",
    type=OutputPath((".lm", ".ngram", ".arpa", ".arpa.gz", ".arpa.xz")),
    required=True,
    help="Model to write: packed (.lm, .ngram), or ARPA (.arpa, .arpa.gz or .arpa.xz).",
)
quantize_option = click.option(
    "--quantize", is_flag=True, help="Store each probability in one byte: smaller, hardly worse."
)


def check_arpa_options(output: Path, bundle: Path | None, quantize: bool) -> None:
    """Refuse options that an ARPA file cannot represent."""
    from speechlstm.lm.ngram.arpa import is_arpa

    if is_arpa(output) and (bundle or quantize):
        raise click.UsageError(
            f"{output}: an ARPA file cannot hold an alphabet (--bundle) or quantized values "
            "(--quantize): write a packed model, whose name ends in .lm"
        )


def write_model(
    output: Path, table: "NGramTable", alphabet_sha256: str | None, quantize: bool
) -> None:
    """Write a model in the format that the name of the output selects."""
    from speechlstm.lm.ngram.arpa import is_arpa, write_arpa
    from speechlstm.lm.ngram.packed import write_packed
    from speechlstm.lm.ngram.quantize import quantize as quantized
    from speechlstm.lm.ngram.trie import build_trie

    if is_arpa(output):
        write_arpa(output, table)
    else:
        trie = build_trie(table)
        write_packed(output, quantized(trie) if quantize else trie, alphabet_sha256)


def describe_model(output: Path, table: "NGramTable") -> str:
    """Describe the model that was written, in one line."""
    sizes = ", ".join(f"{len(ngrams)} {n}-grams" for n, ngrams in enumerate(table.orders, start=1))
    return f"{output}: {sizes}; {output.stat().st_size / 1e6:.3g} MB"
