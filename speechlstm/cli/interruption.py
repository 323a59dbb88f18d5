"""Signals that end a command, with what it has begun tidied up."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

_ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def tidied_up() -> Iterator[None]:
    """Let SIGTERM, and the end of the terminal, end the block by SystemExit, as Ctrl-C does.

    By default they end the process at once: temporary files and folders would be left behind. A
    second one does. Signals that the process ignores or handles are left as they are.

    Raises:
        SystemExit: With 128 plus the number of the signal, as a shell reports it.
    """
    is_main = threading.current_thread() is threading.main_thread()
    numbers = [n for n in _ENDING if is_main and signal.getsignal(n) == signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


def _end(number: int, _: Any) -> None:
    signal.signal(number, signal.SIG_DFL)
    raise SystemExit(128 + number)


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
