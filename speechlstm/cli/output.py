"""What commands print: results on stdout, messages on stderr, without control characters."""

import codecs
import errno
import io
import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import click

from speechlstm.errors import printable
from speechlstm.storage import address_of
from speechlstm.transcript.formats import json_line


class Report(Protocol):
    """What show_report prints."""

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON values."""

    def to_text(self, num_worst: int, /) -> str:
        """The report as text, with the worst utterances or recordings."""


def name_of(path: Path) -> str:
    """The path of a recording as it is shown, or its address, of which a Path lacks a slash.

    >>> name_of(Path("https://example.org/a.wav"))
    'https://example.org/a.wav'
    """
    return address_of(path) or click.format_filename(path)


def show(line: str) -> None:
    """Print one line of a result."""
    click.echo(printable(line))


def show_lines(text: str) -> None:
    """Print the lines of a result. Quotations in it must not contain line ends."""
    for line in text.split("\n"):
        show(line)


def show_json(values: object) -> None:
    """Print a result as one line of JSON."""
    click.echo(json_line(values))


def show_report(report: Report, as_json: bool, num_worst: int) -> None:
    """Print error rates, as one line of JSON or as text to be read."""
    if as_json:
        show_json(report.to_dict())
    else:
        show_lines(report.to_text(num_worst))


def say(line: str) -> None:
    """Print a message on stderr.

    One that cannot be written, as on a terminal that was closed, does not end the work. That nobody
    reads the messages any more does, as it does in other programs.

    Raises:
        BrokenPipeError: Nobody reads them.
    """
    try:
        click.echo(printable(line), err=True)
    except BrokenPipeError:
        raise
    except OSError:
        pass


def exit_after(failures: Mapping[str, str]) -> None:
    """Print why utterances could not be used, by their ids; the exit code is 1 if there are any."""
    for utterance_id, reason in failures.items():
        say(f"Error: {utterance_id}: {reason}")
    if failures:
        click.get_current_context().exit(1)


def progress_bar(items: Iterable[Any], total: int, what: str) -> Iterable[Any]:
    """The items, with a progress bar on stderr if that is a terminal."""
    from tqdm import tqdm

    bar: Iterable[Any] = tqdm(items, what, total, unit="utt", leave=False, disable=None)
    return bar


class _ClosedOutput(io.TextIOBase):
    """Standard output that is closed: a result that is printed there is lost."""

    def write(self, text: str) -> int:
        raise OSError(errno.EBADF, "is closed; print to a file or a pipe", "standard output")


def replace_closed_streams() -> None:
    """Stand in for stdout and stderr if they are closed, as by >&-, where Python has None.

    Otherwise results would vanish without an error, Click would print messages on stdout, and files
    opened later would get the descriptors into which libraries write theirs.
    """
    for number, stream in enumerate((sys.stdin, sys.stdout, sys.stderr)):
        if stream is None and not _is_open(number):
            # Reading from 0, and writing to 1, fails, as it does if they are closed.
            null = os.open(os.devnull, os.O_RDONLY if number == 1 else os.O_WRONLY)
            os.dup2(null, number)
            if null != number:
                os.close(null)
    sys.stdout = sys.stdout or _ClosedOutput()
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 (to the end)


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def escape_what_streams_cannot_encode() -> None:
    r"""Let stdout and stderr escape characters that their encoding lacks, as JSON does: \u00fc."""
    codecs.register_error("jsonescape", _escape_as_json)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="jsonescape")


def _escape_as_json(error: UnicodeError) -> tuple[str, int]:
    # Python's backslashreplace writes \xfc and \U0001f600, which are not valid JSON.
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end
