"""Ctrl-C and SIGTERM while a network is trained."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

TERMINATED = 128 + signal.SIGTERM  # exit code, as a shell reports it


@contextmanager
def deferred_signals() -> Iterator[Callable[[], int]]:
    """Turn Ctrl-C and SIGTERM into a question for the loop to ask where it is safe.

    A second one acts at once. Signals reach only the main thread of a process: in another thread
    the answer is always 0.

    Yields:
        The number of the signal that came, 0 while none did.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: 0
        return
    received = 0

    def remember(number: int, _: Any) -> None:
        nonlocal received
        received = number
        restore()

    def restore() -> None:
        for number, handler in before.items():
            # None: a handler that was not set by Python, and that it cannot set again.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: received
    finally:
        restore()


def stop(number: int) -> NoReturn:
    """End as a signal asks for.

    Raises:
        SystemExit: With TERMINATED, for SIGTERM.
        KeyboardInterrupt: For any other.
    """
    if number == signal.SIGTERM:
        raise SystemExit(TERMINATED)
    raise KeyboardInterrupt
