"""`speechlstm compare`: the error rates of recognisers on the same utterances."""

from pathlib import Path

import click

from speechlstm.cli.options import json_option, worst_option
from speechlstm.cli.output import say, show_json, show_lines
from speechlstm.cli.types import PATH, OutputPath
from speechlstm.cli.verbs import verb
from speechlstm.errors import counted
from speechlstm.storage import write_atomically

_MAX_REPORTS = 26


@verb()
@click.argument("reports", type=PATH, nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    metavar="HTML",
    type=OutputPath((".html", ".htm")),
    help="Write a page with all of this, in one file.",
)
@worst_option
@json_option()
def command(reports: tuple[Path, ...], output: Path | None, worst: int, as_json: bool) -> None:
    """Compare REPORTS, two or more, each the output of `evaluate --json` or `score --json`.

    The difference of WER is given with its 95 % interval (paired bootstrap over speakers, if ten or
    more are known, else over utterances) and with the matched-pairs test (MAPSSWE, Gillick and Cox
    1989, segments as in NIST's sc_stats): p is the probability of so large a difference if both
    were equally good. Of more than two reports, each pair is tested, and p is adjusted by Holm's
    method. Only the utterances that all reports have are compared.

    \b
    Example:
      speechlstm compare english.json mine.json -o comparison.html
    """
    if not 2 <= len(reports) <= _MAX_REPORTS:
        raise click.UsageError(f"give two reports to compare, at most {_MAX_REPORTS}")
    from speechlstm.evaluation.comparison import compare_reports
    from speechlstm.evaluation.comparison_page import to_page
    from speechlstm.evaluation.comparison_text import to_text
    from speechlstm.evaluation.report_file import read_report

    comparison = compare_reports([(str(path), read_report(path)) for path in reports])
    for path, left_out in zip(reports, comparison.num_left_out, strict=True):
        if left_out:
            say(f"Warning: {path}: {counted(left_out, 'utterance')} left out: not in all reports")
    if output:
        write_atomically(output, to_page(comparison))
    if as_json:
        show_json(comparison.to_dict())
    else:
        show_lines(to_text(comparison, worst))
