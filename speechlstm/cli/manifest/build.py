"""`speechlstm manifest build`: a manifest from a folder of recordings."""

from pathlib import Path

import click

from speechlstm.cli.manifest.entries import write_entries
from speechlstm.cli.options import MANIFESTS
from speechlstm.cli.types import OutputPath
from speechlstm.cli.verbs import verb


@verb()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("-o", "--output", metavar="MANIFEST", type=OutputPath(MANIFESTS), required=True)
@click.option("--no-text", is_flag=True, help="List all recordings, without texts (for noise).")
@click.pass_context
def command(ctx: click.Context, folder: Path, output: Path, no_text: bool) -> None:
    """List the recordings in FOLDER whose texts are in .txt or .lab files beside them.

    The first folder below FOLDER is taken as the speaker. A recording that has no text or cannot be
    read is reported and left out; the exit code is then 1. For corpora in the layouts of others
    (LibriSpeech, Kaldi, ELAN and so on), there is `speechlstm manifest import`.

    \b
    Example:
      speechlstm manifest build recordings -o all.jsonl
      speechlstm manifest build --no-text street -o noise.jsonl
    """
    from speechlstm.corpora.build import build_manifest

    needed = "" if no_text else " with a text beside it (speech.wav, speech.txt)"
    entries = build_manifest(folder, output.parent, not no_text)
    write_entries(ctx, output, entries, f"{folder}: no recording{needed}")
