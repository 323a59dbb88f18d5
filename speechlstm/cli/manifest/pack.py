"""`speechlstm manifest pack`: recordings in shards."""

from pathlib import Path

import click

from speechlstm.cli.output import say
from speechlstm.cli.types import PATH, NumberRange, OutputFolder
from speechlstm.cli.verbs import verb
from speechlstm.errors import DataError, counted


@verb()
@click.argument("manifest", type=PATH)
@click.option(
    "-o", "--output", metavar="SHARDS", type=OutputFolder(is_replaced=True), required=True
)
@click.option(
    "--format",
    "encoding",
    type=click.Choice(["flac", "opus"]),
    help="Encode all recordings so.  [default: compressed ones stay as they are, others: flac]",
)
@click.option(
    "--shard-size",
    "megabytes",
    type=NumberRange(min=0, min_open=True),
    default=100,
    show_default=True,
    help="The size of a shard in MB, at most.",
)
@click.pass_context
def command(
    ctx: click.Context, manifest: Path, output: Path, encoding: str | None, megabytes: float
) -> None:
    """Pack the recordings of MANIFEST into tar archives, as WebDataset, NeMo and lhotse read them.

    SHARDS is a new folder, or one of shards, which are replaced; it can be given wherever a
    manifest can. Recordings that cannot be read are reported and left out; the exit code is then 1.

    \b
    Example:
      speechlstm manifest pack train.jsonl -o shards
    """
    from tqdm import tqdm

    from speechlstm.corpora.manifest import Manifest
    from speechlstm.corpora.shards import pack

    num_utterances = num_faults = 0
    packed = pack(Manifest(manifest), output, encoding, round(megabytes * 1e6))
    for entry in tqdm(packed, "packing", unit="utt", leave=False, disable=None):
        if isinstance(entry, DataError):
            num_faults += 1
            say(f"Error: {entry}")
        else:
            num_utterances += 1
    num_shards = len(list(output.glob("*.tar")))
    packed_as = f"{counted(num_utterances, 'utterance')} in {counted(num_shards, 'shard')}"
    say(f"{output}: {packed_as}, {num_faults} left out")
    if num_faults:
        ctx.exit(1)
