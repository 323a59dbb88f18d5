"""Processes that are started once and then work on several sequences of items.

They are spawned, not forked, because a forked copy of a process whose libraries run threads may
hang. The pool of concurrent.futures does not serve: its processes wait for ever if their parent is
killed, and it does not say why one of them died.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Generic, Self, TypeVar

if TYPE_CHECKING:
    from speechlstm.parallel.worker import Outcome, Worker

Item = TypeVar("Item")
Result = TypeVar("Result")

# Processes take about this long to start; work that takes less time does not need them.
PATIENCE_SECONDS = 1.0
# A signal that arrives just before a system call that blocks does not interrupt it: without a
# timeout, Ctrl-C would go unnoticed until the next outcome.
_SIGNAL_SECONDS = 1.0


def num_usable_cores() -> int:
    """The number of processor cores that this process may run on.

    >>> num_usable_cores() >= 1
    True
    """
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def map_in_processes(
    load: Callable[[], Callable[[Item], Result]],
    items: Sequence[Item],
    jobs: int,
    patience: float = PATIENCE_SECONDS,
) -> Iterator[Result]:
    """Apply a function to items, and yield the results in the order of the items.

    A WorkerPool for a single sequence; the arguments are those of WorkerPool.

    >>> from functools import partial
    >>> list(map_in_processes(partial(partial, pow, 2), [1, 2, 10], jobs=2))
    [2, 4, 1024]
    """
    with WorkerPool(load, jobs, patience) as pool:
        yield from pool.map(items)


class WorkerPool(Generic[Item, Result]):
    """Applies a function to the items of several sequences, in several processes.

    At first only this process works. After some time (patience) the others are started; they stay
    until the pool is closed. They also end when this process ends for any reason, SIGKILL included.

    >>> from functools import partial
    >>> with WorkerPool(partial(partial, pow, 2), jobs=4) as pool:
    ...     [list(pool.map(items)) for items in ([1, 2], [3])]
    [[2, 4], [8]]

    Args:
        load: Returns the function. It is called here and once in each process, so it must be
            picklable, as must items, results and errors.
        jobs: The largest number of processes; 1: only this one.
        patience: Seconds of work in this process before others are started.

    Attributes:
        function: The function that load returned in this process.

    Raises:
        Exception: Whatever load raises.
    """

    def __init__(
        self,
        load: Callable[[], Callable[[Item], Result]],
        jobs: int,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self.function = load()
        self._load, self._jobs, self._patience = load, jobs, patience
        self._workers: list[Worker] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def map(self, items: Sequence[Item]) -> Iterator[Result]:
        """Apply the function to items, and yield the results in the order of the items.

        If the caller stops iterating early, the processes are stopped.

        Raises:
            Exception: Whatever the function raises, when the result of that item is due.
            SpeechLSTMError: A process has died; the message says why and at which item.
        """
        done = 0
        while done < len(items) and self._works_alone(len(items) - done):
            start = time.monotonic()
            result = self.function(items[done])
            self._patience -= time.monotonic() - start
            done += 1
            yield result
        if done < len(items):
            try:
                yield from self._shared(items[done:])
            except BaseException:  # also GeneratorExit: nobody waits for the results
                self.close()
                raise

    def close(self) -> None:
        """Stop the processes. A further call of map starts new ones."""
        workers, self._workers = self._workers, []
        for worker in workers:
            worker.stop()

    def _works_alone(self, num_items: int) -> bool:
        return self._jobs == 1 or self._patience > 0 or (num_items == 1 and not self._workers)

    def _shared(self, items: Sequence[Item]) -> Iterator[Result]:
        # Imported here because it takes a large part of the time of transcribing one file.
        from multiprocessing.connection import wait

        from speechlstm.parallel.worker import Worker

        for number in range(len(self._workers) + 1, min(self._jobs, len(items)) + 1):
            self._workers.append(Worker.start(self._load, number))
        waiting = iter(enumerate(items))
        results: dict[int, Outcome] = {}
        busy = {w.connection: w for w in self._workers if w.give(next(waiting, None))}
        for index in range(len(items)):
            while index not in results:
                for ready in wait(list(busy), _SIGNAL_SECONDS):
                    worker = busy.pop(ready)  # type: ignore[call-overload]
                    results[worker.index] = worker.outcome()
                    if worker.give(next(waiting, None)):
                        busy[worker.connection] = worker
            yield results.pop(index).unwrap()
