"""`speechlstm manifest build`: a manifest from a folder of recordings."""

from pathlib import Path

import click

from speechlstm.cli.options import MANIFESTS, OutputPath
from speechlstm.cli.output import say
from speechlstm.cli.verbs import verb


@verb()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("-o", "--output", metavar="MANIFEST", type=OutputPath(MANIFESTS), required=True)
@click.option("--no-text", is_flag=True, help="List all recordings, without texts (for noise).")
@click.pass_context
def command(ctx: click.Context, folder: Path, output: Path, no_text: bool) -> None:
    """List the recordings in FOLDER whose texts are in .txt files beside them.

    The first folder below FOLDER is taken as the speaker. A recording that has no text or cannot be
    read is reported and left out; the exit code is then 1.

    \b
    Example:
      speechlstm manifest build recordings -o all.jsonl
      speechlstm manifest build --no-text street -o noise.jsonl
    """
    from speechlstm.corpora.build import build_manifest
    from speechlstm.corpora.manifest import Utterance, write_manifest
    from speechlstm.errors import DataError, counted

    entries = list(build_manifest(folder, output.parent, not no_text))
    utterances = [entry for entry in entries if isinstance(entry, Utterance)]
    faults = [entry for entry in entries if isinstance(entry, DataError)]
    for fault in faults:
        say(f"Error: {fault}")
    if not utterances:
        needed = "" if no_text else " with a text beside it (speech.wav, speech.txt)"
        raise DataError(f"{folder}: no recording{needed}")
    write_manifest(output, utterances)
    say(f"{output}: {counted(len(utterances), 'utterance')}, {len(faults)} left out")
    if faults:
        ctx.exit(1)
