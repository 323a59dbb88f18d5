"""Signals that end a process: Ctrl-C, SIGTERM, and SIGHUP, which says that its terminal is gone."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, Self


def ending_signals() -> list[signal.Signals]:
    """The signals that should end this process; under nohup, SIGHUP should not."""
    found = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        found.append(signal.SIGHUP)
    return found


@contextmanager
def tidied_up() -> Iterator[None]:
    """Let SIGTERM, and the end of the terminal, end the block by SystemExit, as Ctrl-C does.

    By default they end the process at once: temporary files and folders would be left behind. A
    second one does. Signals that the process ignores or handles are left as they are.

    Raises:
        SystemExit: With 128 plus the number of the signal, as a shell reports it.
    """
    is_main = threading.current_thread() is threading.main_thread()
    numbers = [n for n in ending_signals() if is_main and signal.getsignal(n) == signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


def _end(number: int, _: Any) -> None:
    signal.signal(number, signal.SIG_DFL)
    stop(number)


def stop(number: int) -> NoReturn:
    """End the process as a signal would, with what it has begun tidied up.

    Raises:
        KeyboardInterrupt: For SIGINT, and for 0: another process has had the signal.
        SystemExit: For the others: with 128 plus the number, as a shell reports it.
    """
    if number in (0, signal.SIGINT):
        raise KeyboardInterrupt
    raise SystemExit(128 + number)


class Interrupted(Exception):  # noqa: N818 - no error
    """Raised where a command waits, when a signal comes."""


class Interruption:
    """Remembers a signal that ends the process, so that it can end at a safe place.

    A second signal acts at once, as if there were no `Interruption`. Python handles signals in the
    main thread only; in other threads none is ever remembered.

    Attributes:
        number: The number of the signal; 0: there was none.
    """

    def __init__(self) -> None:
        self.number, self._is_waiting = 0, False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {n: signal.signal(n, self._remember) for n in ending_signals()}
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
