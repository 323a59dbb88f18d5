"""`speechlstm manifest check`: the errors in a manifest."""

from pathlib import Path

import click

from speechlstm.cli.manifest.checking import checked_against, checking_options
from speechlstm.cli.output import name_of, say
from speechlstm.cli.types import PATH
from speechlstm.cli.verbs import verb
from speechlstm.errors import ManifestError, counted, printable


@verb()
@click.argument("manifest", type=PATH)
@checking_options
@click.pass_context
def command(ctx: click.Context, manifest: Path, config: Path | None, alphabet: str | None) -> None:
    """Decode every recording of MANIFEST and print its errors, one a line.

    Errors are recordings that cannot be read or have another duration than the manifest says,
    characters that the alphabet lacks, marks like [laughter] and <unk>, texts too long or much too
    short for their recording, and lines that are not utterances. The exit code is 1 if there is
    any.

    \b
    Example:
      speechlstm manifest check all.jsonl
    """
    from tqdm import tqdm

    from speechlstm.corpora.check import check_manifest
    from speechlstm.corpora.manifest import Manifest

    faults = check_manifest(Manifest(manifest), *checked_against(config, alphabet))
    num_entries = num_faults = 0
    for found in tqdm(faults, unit="utt", disable=None):
        num_entries += not any(isinstance(f, ManifestError) and f.line is None for f in found)
        num_faults += len(found)
        for fault in found:
            tqdm.write(printable(str(fault)))  # prints to stdout, around the bar
    say(f"{name_of(manifest)}: {counted(num_entries, 'utterance')}, {counted(num_faults, 'fault')}")
    if num_faults:
        ctx.exit(1)
