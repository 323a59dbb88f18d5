"""What verbs print: results on stdout, talk on stderr, and nothing that commands a terminal."""

import io
import sys

import click

from speechlstm.errors import printable
from speechlstm.formats import json_line


def show(line: str) -> None:
    """Print one line of a result."""
    click.echo(printable(line))


def show_json(values: object) -> None:
    """Print a result as one line of JSON."""
    click.echo(json_line(values))


def say(line: str) -> None:
    """Print one line to whoever looks on, on stderr."""
    click.echo(printable(line), err=True)


def escape_what_streams_cannot_encode() -> None:
    r"""Let stdout and stderr write characters that their encoding lacks as escapes, as "\xfc"."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
