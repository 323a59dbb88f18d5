"""`speechlstm classify`: the class of recordings, with probabilities."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from speechlstm.cli.options import channel_option, jobs_option, recordings_argument
from speechlstm.cli.output import name_of, say, show_json
from speechlstm.cli.recordings import reason_of, recordings_in, seekable
from speechlstm.cli.types import BundlePath, IntegerRange
from speechlstm.cli.verbs import verb
from speechlstm.errors import DamagedAudioError, DataError, printable

if TYPE_CHECKING:
    from speechlstm.classification import Classification, Classifier


@verb()
@recordings_argument
@click.option(
    "--bundle",
    "--model",
    "bundle",
    metavar="BUNDLE",
    type=BundlePath(),
    required=True,
    help="The folder of a classifier's bundle, or a .tflite file.",
)
@click.option(
    "--top",
    type=IntegerRange(min=1),
    metavar="N",
    help="The number of classes to show, the most probable first.  [default: 1; all in JSON]",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="text: classes and probabilities, separated by tabs; json: one object a line.",
)
@channel_option
@jobs_option
@click.pass_context
def command(
    ctx: click.Context,
    files: tuple[Path, ...],
    bundle: Path,
    top: int | None,
    format_name: str,
    channel: int | None,
    jobs: int | None,
) -> None:
    """Print the class of each FILE, of any format, and its probability; -: standard input.

    BUNDLE is that of a classifier, which speechlstm train --task classify and speechlstm export
    have made. A FILE may be a folder: all recordings in it and its subfolders are classified. With
    several files, each line begins with the file's name and a tab.

    A file that cannot be read is reported on stderr, the others are classified, and the exit code
    is 1. Of a recording of more than 20 s, the probabilities are means over its segments.

    \b
    Example:
      speechlstm classify --bundle commands yes.wav
      speechlstm classify --bundle speakers --top 3 --format json recordings > speakers.jsonl
    """
    from speechlstm.classification import Classifier
    from speechlstm.parallel import map_in_processes, num_usable_cores

    recordings, failed = recordings_in(files)
    given = [recording.path for recording in recordings]
    load = partial(_load, partial(Classifier.load, bundle), channel)
    with seekable(given) as paths:
        results = map_in_processes(load, paths, jobs or num_usable_cores())
        for path, result in zip(given, results, strict=True):
            found: Any = result
            if isinstance(result, DataError):
                say(f"Error: {reason_of(result, path)}")
                failed = True
                found = result.partial if isinstance(result, DamagedAudioError) else None
            if found:
                _show(name_of(path), found, top, format_name, len(given) > 1)
    if failed:
        ctx.exit(1)


def _load(
    load: "Callable[[], Classifier]", channel: int | None
) -> "Callable[[Path], Classification | DataError]":
    """The function that classifies a recording, for a process that belongs to this command."""
    from speechlstm.audio import silence_codecs

    silence_codecs()
    return partial(_classify, load(), channel)


def _classify(
    classifier: "Classifier", channel: int | None, path: Path
) -> "Classification | DataError":
    try:
        return classifier.classify_file(path, channel)
    except DataError as error:
        return error


def _show(
    name: str, result: "Classification", top: int | None, format_name: str, is_named: bool
) -> None:
    if format_name == "json":
        show_json({"file": name, **result.to_dict(top)})
        return
    pairs = list(result.probabilities.items())[: top or 1]
    columns = [f"{printable(label)} {probability:.3f}" for label, probability in pairs]
    click.echo("\t".join([*([printable(name)] if is_named else []), *columns]))
