"""`speechlstm manifest`: what comes before training."""

import json
from pathlib import Path

import click

from speechlstm.cli.options import OutputPath

_PATH = click.Path(path_type=Path)


@click.group()
def command() -> None:
    """Build, check, describe and split manifests: lists of recordings and their texts.

    \b
    Example:
      speechlstm manifest build recordings -o all.jsonl
    """


@command.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("-o", "--output", metavar="MANIFEST", type=OutputPath(), required=True)
@click.option("--no-text", is_flag=True, help="List all recordings, without texts: noise.")
@click.pass_context
def build(ctx: click.Context, folder: Path, output: Path, no_text: bool) -> None:
    """List the recordings under FOLDER whose text stands in a .txt file beside them.

    The first folder below FOLDER names the speaker. A recording without a text, or that cannot be
    read, is reported and left out; the exit code is then 1.

    \b
    Example:
      speechlstm manifest build recordings -o all.jsonl
      speechlstm manifest build --no-text street -o noise.jsonl
    """
    from speechlstm.corpora.build import build_manifest
    from speechlstm.corpora.manifest import Utterance, write_manifest
    from speechlstm.errors import DataError

    entries = list(build_manifest(folder, output.parent, not no_text))
    utterances = [entry for entry in entries if isinstance(entry, Utterance)]
    faults = [entry for entry in entries if isinstance(entry, DataError)]
    for fault in faults:
        click.echo(f"Error: {fault}", err=True)
    if not utterances:
        needed = "" if no_text else " with a text beside it (speech.wav, speech.txt)"
        raise DataError(f"{folder}: no recording{needed}")
    write_manifest(output, utterances)
    click.echo(f"{output}: {len(utterances)} utterances, {len(faults)} left out", err=True)
    if faults:
        ctx.exit(1)


@command.command()
@click.argument("manifest", type=_PATH)
@click.option("--config", metavar="TOML", type=_PATH, help="The settings to be trained with.")
@click.option(
    "--alphabet",
    metavar="CHARACTERS",
    help="What texts, in lower case, may be made of.  [default: space, ' and a to z]",
)
@click.pass_context
def check(ctx: click.Context, manifest: Path, config: Path | None, alphabet: str | None) -> None:
    """Decode every recording of MANIFEST and print what is wrong, a line a fault.

    Reported are recordings that cannot be read or are of another length than the manifest says,
    characters that the alphabet lacks, texts too long for their recording, and lines that are no
    utterance. The exit code is 1 if there is any.

    \b
    Example:
      speechlstm manifest check all.jsonl
    """
    from tqdm import tqdm

    from speechlstm.config import Settings
    from speechlstm.corpora.check import check_manifest
    from speechlstm.corpora.manifest import Manifest
    from speechlstm.text.alphabet import ENGLISH, Alphabet

    faults = check_manifest(
        Manifest(manifest),
        ENGLISH if alphabet is None else Alphabet(tuple(alphabet)),
        Settings() if config is None else Settings.read(config),
    )
    num_entries = num_faults = 0
    for found in tqdm(faults, unit="utt", disable=None):
        num_entries += 1
        num_faults += len(found)
        for fault in found:
            tqdm.write(str(fault))  # prints to stdout, around the bar
    click.echo(f"{manifest}: {num_entries} utterances, {num_faults} faults", err=True)
    if num_faults:
        ctx.exit(1)


@command.command()
@click.argument("manifest", type=_PATH)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def stats(manifest: Path, as_json: bool) -> None:
    """Count the utterances, speakers, hours, words and characters of MANIFEST.

    \b
    Example:
      speechlstm manifest stats all.jsonl
    """
    from speechlstm.corpora.manifest import Manifest
    from speechlstm.corpora.stats import manifest_stats

    found = manifest_stats(Manifest(manifest))
    click.echo(json.dumps(found.to_dict(), ensure_ascii=False) if as_json else found.to_text())


@command.command()
@click.argument("manifest", type=_PATH)
@click.option(
    "--valid",
    "share",
    metavar="SHARE",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.1,
    show_default=True,
    help="Of the audio, to validate with.",
)
@click.option("--seed", default=1, show_default=True)
@click.option("--train-out", metavar="MANIFEST", type=OutputPath(), required=True)
@click.option("--valid-out", metavar="MANIFEST", type=OutputPath(), required=True)
def split(manifest: Path, share: float, seed: int, train_out: Path, valid_out: Path) -> None:
    """Part MANIFEST into one to train on and one to validate with, no speaker in both.

    The same seed gives the same parts. Where no speaker is named, utterances are drawn.

    \b
    Example:
      speechlstm manifest split all.jsonl --train-out train.jsonl --valid-out valid.jsonl
    """
    from speechlstm.corpora.manifest import Manifest
    from speechlstm.corpora.split import write_split

    if len({path.resolve() for path in (manifest, train_out, valid_out)}) < 3:
        raise click.UsageError("MANIFEST, --train-out and --valid-out must be three files")
    parts = write_split(Manifest(manifest), share, seed, train_out, valid_out)
    for output, part in zip((train_out, valid_out), parts, strict=True):
        hours = sum(utterance.duration for utterance in part) / 3600
        click.echo(f"{output}: {len(part)} utterances, {hours:.2f} h", err=True)
