"""What `speechlstm transcribe` shows while it works: lines as they are done, and a progress bar."""

import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Self

import click

from speechlstm.cli.output import say

_DELAY_SECONDS = 1.0  # short work needs no bar
_BAR = "{desc}{percentage:3.0f}%|{bar}| {elapsed}<{remaining}"


class Screen:
    """Prints lines on stdout and messages on stderr, around a progress bar on stderr.

    There is a bar only if stderr is a terminal. It counts seconds of the recordings.

    Args:
        recordings: The recordings, none of them a pipe, in the order in which they will be done.
        raw_rate: As in `Recognizer.transcribe_file`.
    """

    def __init__(self, recordings: Sequence[Path], raw_rate: int | None) -> None:
        self._bar: Any = None
        self._num_done, self._num_recordings, self._seconds_done = 0, len(recordings), 0.0
        if sys.stderr is None or not sys.stderr.isatty():
            return
        from tqdm import tqdm

        self._durations = [_seconds(recording, raw_rate) for recording in recordings]
        self._bar = tqdm(
            total=sum(self._durations), leave=False, delay=_DELAY_SECONDS, bar_format=_BAR
        )
        self._shown_from = time.monotonic() + _DELAY_SECONDS
        self._name_next()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, line: str) -> None:
        """Print a line of a result."""
        with self._without_bar():
            click.echo(line)

    def say(self, line: str) -> None:
        """Print a message."""
        with self._without_bar():
            say(line)

    def advance_to(self, seconds: float) -> None:
        """Show how far the current recording is done."""
        if self._bar is not None:
            longest = self._durations[self._num_done]
            self._move(self._seconds_done + min(seconds, longest))

    def end_recording(self) -> None:
        """Show that the current recording is done."""
        if self._bar is not None:
            self._seconds_done += self._durations[self._num_done]
            self._num_done += 1
            self._move(self._seconds_done)
            self._name_next()

    def _move(self, seconds: float) -> None:
        self._bar.update(seconds - self._bar.n)

    def _name_next(self) -> None:
        if self._num_recordings > 1:
            number = min(self._num_done + 1, self._num_recordings)
            self._bar.set_description_str(f"{number}/{self._num_recordings} ", refresh=False)

    def _without_bar(self) -> AbstractContextManager[None]:
        if self._bar is None or time.monotonic() < self._shown_from:
            return nullcontext()
        cleared: AbstractContextManager[None] = self._bar.external_write_mode()
        return cleared


def _seconds(recording: Path, raw_rate: int | None) -> float:
    """The duration of a recording, or a guess by its size: 64 kbit/s, 16 bit if it is raw."""
    from speechlstm.audio import known_duration

    seconds = None if raw_rate else known_duration(recording)
    if seconds is not None:
        return seconds
    try:
        size = recording.stat().st_size
    except OSError:
        return 0.0
    return size / (2 * raw_rate if raw_rate else 8_000)
