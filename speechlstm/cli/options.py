"""Options that several commands share, and the text files that they name."""

from collections.abc import Callable, Collection
from pathlib import Path

import click

from speechlstm import storage
from speechlstm.cli.types import PATH, BundlePath, IntegerRange
from speechlstm.errors import DataError, printable
from speechlstm.transcript.formats import SUFFIXES

Option = Callable[[Callable[..., None]], Callable[..., None]]  # adds one to a command

MANIFESTS = (".jsonl", ".json")  # suffixes of manifests that are written


def output_format(
    name: str | None, output: Path | None, default: str, others: Collection[str] = ()
) -> str:
    """The format of transcripts, from --format or from the suffix of -o.

    Args:
        default: The format if neither says, which includes names without a suffix and .txt.
        others: Formats that the command does not write.

    Raises:
        click.UsageError: The suffix is not known, or that of another format.
    """
    suffix = output.suffix.lower() if output else ""
    if name or suffix in ("", ".txt"):
        return name or default
    suffixes = {known: format_ for known, format_ in SUFFIXES.items() if format_ not in others}
    if suffix not in suffixes:
        known = ", ".join(suffixes)
        raise click.UsageError(
            f"{printable(str(output))}: no format has the suffix {printable(suffix)}, known are "
            f"{known}; or give the format with --format"
        )
    return SUFFIXES[suffix]


recordings_argument = click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, allow_dash=True),
)

bundle_option = click.option(
    "--bundle",
    "--model",
    "bundle",
    metavar="BUNDLE",
    type=BundlePath(),
    help="The folder of a bundle, or a .tflite file.  [default: english, the model in the package]",
)


channel_option = click.option(
    "--channel",
    type=IntegerRange(min=1),
    metavar="N",
    help="The channel to use, counted from 1.  [default: the mean of all]",
)
raw_option = click.option(
    "--raw",
    "raw_rate",
    type=IntegerRange(4_000, 768_000),
    metavar="RATE",
    help="Recordings have no header, but are 16-bit little-endian PCM, mono, of this sample rate.",
)


def readable_option(default: str) -> Option:
    """The option --readable/--raw-text; None if neither is given; with the default for its help."""
    return click.option(
        "--readable/--raw-text",
        default=None,
        help="Text with capitals, punctuation and figures, or the words as they are recognised.  "
        f"[default: {default}]",
    )


jobs_option = click.option(
    "--jobs",
    type=IntegerRange(min=1),
    metavar="N",
    help="The largest number of processes.  [default: the number of cores]",
)

ray_option = click.option(
    "--ray",
    "ray_address",
    metavar="ADDRESS",
    help="Use a Ray cluster in place of --jobs (HOST:PORT, auto, or local to start one here): each "
    "of its cores takes whole recordings, which all nodes must see.",
)


def check_cores(jobs: int | None, ray_address: str | None) -> None:
    """Refuse --jobs together with --ray."""
    if jobs is not None and ray_address is not None:
        raise click.UsageError("--jobs is for this machine alone; --ray takes all cores")


worst_option = click.option(
    "--worst",
    type=IntegerRange(min=0),
    default=10,
    show_default=True,
    help="The number of utterances with the most errors to show.",
)


def json_option(text: str = "Print one JSON object.") -> Option:
    """The option --json of commands that print figures, with its help."""
    return click.option("--json", "as_json", is_flag=True, help=text)


def max_utterances_option(default: int, text: str) -> Option:
    """The option --max-utterances, with its default and its help."""
    return click.option(
        "--max-utterances",
        type=IntegerRange(min=1),
        default=default,
        show_default=True,
        help=f"The largest number of utterances to {text}.",
    )


entities_option = click.option(
    "--entities",
    metavar="FILE",
    type=PATH,
    help="Give the WER of what these patterns match, too: one regular expression a line, for whole "
    "words of the references, as in 'city: new york|boston'.",
)


def label_option(default: str) -> Option:
    """The option --label of commands for classifiers, with the default for its help."""
    return click.option(
        "--label",
        type=click.Choice(["label", "speaker", "text"]),
        help=f"The field of a manifest that has the class of an utterance.  [default: {default}]",
    )


def lexicon_option(default: str) -> Option:
    """The option --lexicon of commands with phone error rates, with the default for its help."""
    return click.option(
        "--lexicon",
        metavar="FILE",
        type=PATH,
        help=f"Pronunciations for the phone error rate, in CMUdict's format.  [default: {default}]",
    )


def read_text(path: Path) -> str:
    """The content of a text file given by the user.

    Raises:
        DataError: The file is neither UTF-8 nor UTF-16.
        OSError: The file cannot be read.
    """
    try:
        return storage.read_text(path)
    except ValueError as error:
        raise DataError(f"{path}: {error}") from None
