"""What `speechlstm listen` prints: the events of a stream as they come."""

import shutil
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol
from unicodedata import east_asian_width

import click

from speechlstm.errors import printable
from speechlstm.transcript.formats import json_line

if TYPE_CHECKING:
    from speechlstm.streaming import Event


class Live(Protocol):
    """Prints events."""

    def add(self, event: "Event") -> None:
        """Print the next event."""


class LiveEvents:
    """Each event as a line of JSON on stdout.

    Args:
        is_readable: Whether final events have readable text.
    """

    def __init__(self, is_readable: bool) -> None:
        self._is_readable = is_readable

    def add(self, event: "Event") -> None:
        """See Live."""
        click.echo(json_line(_shown(event, self._is_readable).to_dict()))


class LiveText:
    """The text of each final event as a line on stdout.

    If stderr is a terminal, it shows the words so far, in a line that is drawn again and again.

    Args:
        is_readable: Whether the lines are readable text.
    """

    def __init__(self, is_readable: bool) -> None:
        self._is_readable = is_readable
        self._is_terminal = sys.stderr is not None and sys.stderr.isatty()
        self._drawn_width = 0

    def add(self, event: "Event") -> None:
        """See Live."""
        from speechlstm.streaming import Final

        if not isinstance(event, Final):
            self._draw(event.text)
            return
        self._draw("")
        if event.words:
            click.echo(printable(_shown(event, self._is_readable).transcript.readable))

    def _draw(self, text: str) -> None:
        """Draw the live line over the last one, which is erased by spaces."""
        if not self._is_terminal:
            return
        columns = shutil.get_terminal_size().columns - 1
        line, width = _end(printable(text), columns)
        spaces = " " * max(0, min(self._drawn_width, columns) - width)
        self._drawn_width = width
        back = "\r" if not width else ""
        click.echo(f"\r{line}{spaces}{back}", err=True, nl=False)


def _shown(event: "Event", is_readable: bool) -> "Event":
    from speechlstm.streaming import Final

    return replace(event, tokens=None) if isinstance(event, Final) and not is_readable else event


def _end(text: str, columns: int) -> tuple[str, int]:
    """As much of the end of a text as fits into a line, and its width."""
    width, start = 0, len(text)
    while start and (new := width + 1 + (east_asian_width(text[start - 1]) in "WF")) <= columns:
        width, start = new, start - 1
    return text[start:], width
