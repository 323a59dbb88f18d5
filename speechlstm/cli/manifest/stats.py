"""`speechlstm manifest stats`: the statistics of a manifest."""

from pathlib import Path

import click

from speechlstm.cli.options import json_option
from speechlstm.cli.output import show_json, show_lines
from speechlstm.cli.types import PATH
from speechlstm.cli.verbs import verb


@verb()
@click.argument("manifest", type=PATH)
@json_option()
def command(manifest: Path, as_json: bool) -> None:
    """Count the utterances, speakers, hours, words and characters of MANIFEST.

    \b
    Example:
      speechlstm manifest stats all.jsonl
    """
    from speechlstm.corpora.manifest import Manifest
    from speechlstm.corpora.stats import manifest_stats

    stats = manifest_stats(Manifest(manifest))
    if as_json:
        show_json(stats.to_dict())
    else:
        show_lines(stats.to_text())
