"""`speechlstm lm perplexity`: measure the perplexity of a text."""

from pathlib import Path

import click

from speechlstm.cli.lm.options import load_any
from speechlstm.cli.options import json_option
from speechlstm.cli.output import show_json, show_lines
from speechlstm.cli.types import PATH, BundlePath
from speechlstm.cli.verbs import verb


@verb()
@click.argument("lm", type=BundlePath())
@click.argument("text", type=PATH)
@json_option("Print one JSON object with every sentence.")
def command(lm: Path, text: Path, as_json: bool) -> None:
    """Measure the perplexity of TEXT under LM.

    LM is a packed, ARPA or .tflite model, TEXT is UTF-8 with one sentence per line, or a
    manifest. The perplexity is 10 to the power of minus the mean log10 probability of words and
    sentence ends; unknown words count as <unk>.

    \b
    Example:
      speechlstm lm perplexity books.lm transcripts.txt
    """
    from speechlstm.corpora.sentences import sentences_of
    from speechlstm.lm.perplexity import measure_perplexity

    report = measure_perplexity(load_any(lm), sentences_of(text))
    if as_json:
        show_json(report.to_dict())
    else:
        show_lines(report.to_text())
