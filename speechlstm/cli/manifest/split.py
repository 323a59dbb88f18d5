"""`speechlstm manifest split`: a manifest for training and one for validation."""

from pathlib import Path
from typing import Literal

import click

from speechlstm.cli.options import MANIFESTS
from speechlstm.cli.output import say
from speechlstm.cli.types import PATH, NumberRange, OutputPath
from speechlstm.cli.verbs import verb
from speechlstm.errors import counted


@verb()
@click.argument("manifest", type=PATH)
@click.option(
    "--valid",
    "share",
    metavar="SHARE",
    type=NumberRange(0, 1, min_open=True, max_open=True),
    default=0.1,
    show_default=True,
    help="The share of the audio for validation (of each speaker's, with --by recording).",
)
@click.option(
    "--by",
    type=click.Choice(["speaker", "recording"]),
    default="speaker",
    show_default=True,
    help="What is drawn. Recordings: to train a network that tells speakers apart.",
)
@click.option("--seed", default=1, show_default=True)
@click.option("--train-out", metavar="MANIFEST", type=OutputPath(MANIFESTS), required=True)
@click.option("--valid-out", metavar="MANIFEST", type=OutputPath(MANIFESTS), required=True)
def command(
    manifest: Path,
    share: float,
    by: Literal["speaker", "recording"],
    seed: int,
    train_out: Path,
    valid_out: Path,
) -> None:
    """Split MANIFEST into one for training and one for validation.

    No speaker is in both; utterances without a speaker are drawn one by one, but pieces of a long
    recording together. Speakers who speak at the same time stay together, too. With --by recording,
    no recording is in both; each speaker stays in training, and those who have but one recording
    are only there. The same seed gives the same split.

    \b
    Example:
      speechlstm manifest split all.jsonl --train-out train.jsonl --valid-out valid.jsonl
    """
    from speechlstm.corpora.manifest import Manifest
    from speechlstm.corpora.split import write_split

    parts = write_split(Manifest(manifest), share, seed, train_out, valid_out, by)
    for output, part in zip((train_out, valid_out), parts, strict=True):
        hours = sum(utterance.duration for utterance in part) / 3600
        say(f"{output}: {counted(len(part), 'utterance')}, {hours:.2f} h")
