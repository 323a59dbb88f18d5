"""`speechlstm lm convert`: convert an n-gram model to another format."""

from pathlib import Path

import click

from speechlstm.cli.lm.ngrams import (
    check_arpa_options,
    describe_model,
    output_option,
    quantize_option,
    write_model,
)
from speechlstm.cli.lm.options import alphabet_of, bundle_of_alphabet, refuse_folder
from speechlstm.cli.output import say
from speechlstm.cli.types import BundlePath
from speechlstm.cli.verbs import verb
from speechlstm.errors import counted


@verb()
@click.argument("lm", type=BundlePath())
@output_option
@bundle_of_alphabet("Note in the model that it is for the alphabet of")
@quantize_option
def command(lm: Path, output: Path, bundle: Path | None, quantize: bool) -> None:
    """Convert LM, packed or ARPA, to a packed or an ARPA file.

    Its words get the form that they have in transcripts: HELLO becomes hello.

    \b
    Example:
      speechlstm lm convert theirs.arpa.gz -o theirs.lm --quantize
    """
    from speechlstm.lm.ngram.model import NGramModel
    from speechlstm.lm.ngram.table import in_normal_form

    refuse_folder(lm)
    check_arpa_options(output, bundle, quantize)
    loaded, alphabet = NGramModel.load(lm), alphabet_of(bundle)
    table, kept = in_normal_form(loaded.to_table())
    if kept:
        say(
            f"Warning: {counted(len(kept), 'word')} cannot occur in transcripts, which are "
            f"normalised, such as {kept[0]!r}"
        )
    write_model(output, table, alphabet.sha256 if alphabet else loaded.alphabet_sha256, quantize)
    say(describe_model(output, table))
