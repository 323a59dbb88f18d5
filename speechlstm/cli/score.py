"""`speechlstm score`: error rates of texts that are already there."""

import json
from pathlib import Path

import click

from speechlstm.cli.options import json_option, worst_option
from speechlstm.cli.verbs import verb


@verb()
@click.argument("reference", type=click.Path(path_type=Path))
@click.argument("hypothesis", type=click.Path(path_type=Path))
@worst_option
@json_option
def command(reference: Path, hypothesis: Path, worst: int, as_json: bool) -> None:
    """Score the texts of HYPOTHESIS against those of REFERENCE.

    Two text files are paired line by line; two manifests (.jsonl, .csv) by utterance id.

    \b
    Example:
      speechlstm score reference.txt hypothesis.txt --worst 20
    """
    from speechlstm.corpora.manifest import Manifest
    from speechlstm.evaluation.score import score_lines, score_manifests

    are_manifests = [path.suffix in (".jsonl", ".csv") for path in (reference, hypothesis)]
    if any(are_manifests) and not all(are_manifests):
        raise click.UsageError("a manifest is scored against a manifest, a text against a text")
    if all(are_manifests):
        report = score_manifests(Manifest(reference), Manifest(hypothesis))
    else:
        report = score_lines(reference, hypothesis)
    click.echo(
        json.dumps(report.to_dict(), ensure_ascii=False) if as_json else report.to_text(worst)
    )
