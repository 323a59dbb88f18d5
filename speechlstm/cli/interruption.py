"""Ctrl-C and SIGTERM in a command that ends by them, with all that it has done so far."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self


class Interrupted(Exception):  # noqa: N818 - no error
    """Raised where a command waits, when a signal comes."""


class Interruption:
    """Remembers Ctrl-C or SIGTERM, so that a command can end at a safe place.

    A second signal acts at once, as if there were no `Interruption`. To be used in the main thread.

    Attributes:
        number: The number of the signal; 0: there was none.
    """

    def __init__(self) -> None:
        self.number, self._is_waiting = 0, False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._before = {
            number: signal.signal(number, self._remember)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        return self

    def __exit__(self, *error: object) -> None:
        self._restore()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Wait in this block: a signal ends it.

        Raises:
            Interrupted: There was a signal.
        """
        self._is_waiting = True
        try:
            if self.number:
                raise Interrupted
            yield
        finally:
            self._is_waiting = False

    def _remember(self, number: int, _: Any) -> None:
        self.number = number
        self._restore()
        if self._is_waiting:
            raise Interrupted

    def _restore(self) -> None:
        for number, handler in self._before.items():
            # None: the handler was not set by Python, which cannot set it again.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
