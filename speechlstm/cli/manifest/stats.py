"""`speechlstm manifest stats`: what a manifest holds."""

import json
from pathlib import Path

import click

from speechlstm.cli.verbs import verb

_PATH = click.Path(path_type=Path)


@verb()
@click.argument("manifest", type=_PATH)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(manifest: Path, as_json: bool) -> None:
    """Count the utterances, speakers, hours, words and characters of MANIFEST.

    \b
    Example:
      speechlstm manifest stats all.jsonl
    """
    from speechlstm.corpora.manifest import Manifest
    from speechlstm.corpora.stats import manifest_stats

    found = manifest_stats(Manifest(manifest))
    click.echo(json.dumps(found.to_dict(), ensure_ascii=False) if as_json else found.to_text())
