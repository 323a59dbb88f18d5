"""Ctrl-C and SIGTERM during training: stop after the current batch."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

TERMINATED = 128 + signal.SIGTERM  # exit code, as a shell reports it


@contextmanager
def deferred_signals() -> Iterator[Callable[[], int]]:
    """Record Ctrl-C and SIGTERM, so that the training loop can stop at a safe place.

    A second signal acts at once. Python handles signals in the main thread only; in other threads
    no signal is ever recorded.

    Yields:
        A function that returns the number of the signal received, 0 if there was none.
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
            # None: the handler was not set by Python, which cannot set it again.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: received
    finally:
        restore()


def stop(number: int) -> NoReturn:
    """End the process as the signal would.

    Raises:
        SystemExit: With the exit code TERMINATED, for SIGTERM.
        KeyboardInterrupt: For any other signal.
    """
    if number == signal.SIGTERM:
        raise SystemExit(TERMINATED)
    raise KeyboardInterrupt
