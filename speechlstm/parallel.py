"""One function over many items, on all cores."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from speechlstm.errors import SpeechLSTMError

Item = TypeVar("Item")
Result = TypeVar("Result")

# Processes take about this long to start; work that is done by then needs none.
PATIENCE_SECONDS = 1.0


def num_usable_cores() -> int:
    """Processor cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def map_in_processes(
    load: Callable[[], Callable[[Item], Result]],
    items: Sequence[Item],
    jobs: int,
    patience: float = PATIENCE_SECONDS,
) -> Iterator[Result]:
    """The results of a function, in the order of the items.

    Args:
        load: Makes the function; called here, and once in each process. It must be importable
            there, and items, results and errors travel between processes.
        items: What the function is called with.
        jobs: Processes; 1: only this one.
        patience: Seconds in which this process works alone, as others may not be worth starting.

    Raises:
        Exception: What the function raises, in the place of its result.
    """
    function = load()
    until = time.monotonic() + patience
    for done, item in enumerate(items, start=1):
        yield function(item)
        if jobs > 1 and done < len(items) and time.monotonic() >= until:
            yield from _shared(load, items[done:], min(jobs, len(items) - done))
            return


def _shared(
    load: Callable[[], Callable[[Item], Result]], items: Sequence[Item], jobs: int
) -> Iterator[Result]:
    # Imported here: a single file is transcribed in less time than that takes twice.
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    # Spawned: the copy that fork makes of a process whose libraries run threads may hang.
    with ProcessPoolExecutor(jobs, get_context("spawn"), _start, (load,)) as executor:
        try:
            yield from executor.map(_call, items)
        except BrokenProcessPool:
            reason = f"one of {jobs} processes was killed; memory may be short: try fewer jobs"
            raise SpeechLSTMError(reason) from None
        finally:  # also where nobody asks for the next result
            executor.shutdown(cancel_futures=True)


_started: list[Callable[[Any], Any]] = []  # in a process of the pool: the function


def _start(load: Callable[[], Callable[[Any], Any]]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C: die, the parent says why
    _started.append(load())


def _call(item: Any) -> Any:
    return _started[0](item)
