"""Applies a function to many items, in processes or in threads.

Processes are spawned, not forked, because a forked copy of a process whose libraries run threads
may hang. The pool of concurrent.futures does not serve: its processes wait for ever if their parent
is killed, and it does not say why one of them died.
"""

import os
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

if TYPE_CHECKING:
    from speechlstm.parallel.worker import Outcome, Worker

Item = TypeVar("Item")
Result = TypeVar("Result")

# Processes take about this long to start; work that takes less time does not need them.
PATIENCE_SECONDS = 1.0
# A signal that arrives just before a system call that blocks does not interrupt it: without a
# timeout, Ctrl-C would go unnoticed until the next outcome.
_SIGNAL_SECONDS = 1.0
# Items taken for each process or thread before the oldest result is due: one slow item does not
# make the others wait, and a source of items is not read much further than the work has come.
_AHEAD = 4


# (items, their number, what is done with them) -> the same items. It may show a progress bar.
Progress = Callable[[Iterable[Any], int, str], Iterable[Any]]


def no_progress(items: Iterable[Any], total: int, what: str) -> Iterable[Any]:
    """The items, without showing any progress.

    >>> list(no_progress([1, 2], total=2, what="decoding"))
    [1, 2]
    """
    return items


def num_usable_cores() -> int:
    """The number of processor cores that this process may run on.

    >>> num_usable_cores() >= 1
    True
    """
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def map_in_processes(
    load: Callable[[], Callable[[Item], Result]],
    items: Iterable[Item],
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

    def map(self, items: Iterable[Item]) -> Iterator[Result]:
        """Apply the function to items, and yield the results in the order of the items.

        Items are taken when there is a process for them, at most a few for each process before the
        next result is due, so that they may come from a source that would not fit into memory. If
        the caller stops iterating early, the processes are stopped.

        Raises:
            Exception: Whatever the items raise, or the function, when that result is due.
            SpeechLSTMError: A process has died; the message says why and at which item.
        """
        waiting = iter(items)
        following = list(islice(waiting, 2))  # two, because for a single one no process is started
        while following and self._works_alone(len(following)):
            start = time.monotonic()
            result = self.function(following.pop(0))
            self._patience -= time.monotonic() - start
            yield result
            following += islice(waiting, 1)
        if following:
            try:
                yield from self._shared(chain(following, waiting))
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

    def _shared(self, items: Iterable[Item]) -> Iterator[Result]:
        # Imported here because it takes a large part of the time of transcribing one file.
        from multiprocessing.connection import wait

        waiting = enumerate(items)
        idle = list(self._workers)
        busy: dict[Any, Worker] = {}  # by connection
        results: dict[int, Outcome] = {}
        due = num_given = 0
        is_end = False
        while not is_end or due < num_given:
            can_give = not is_end and num_given < due + _AHEAD * self._jobs
            if can_give and (idle or len(self._workers) < self._jobs):
                if item := next(waiting, None):
                    worker = idle.pop(0) if idle else self._started()
                    worker.give(item)
                    busy[worker.connection] = worker
                    num_given += 1
                else:
                    is_end = True
            elif due in results:
                yield results.pop(due).unwrap()
                due += 1
            else:
                for ready in wait(list(busy), _SIGNAL_SECONDS):
                    worker = busy.pop(ready)
                    results[worker.index] = worker.outcome()
                    idle.append(worker)

    def _started(self) -> "Worker":
        from speechlstm.parallel.worker import Worker

        self._workers.append(Worker.start(self._load, len(self._workers) + 1))
        return self._workers[-1]


def map_in_threads(function: Callable[[Item], Result], items: Iterable[Item]) -> Generator[Result]:
    """Apply a function to items, and yield the results in the order of the items.

    Only a few items are taken before the next result is due: there may be millions. If the caller
    stops iterating early, those are done that have begun.

    >>> list(map_in_threads(abs, [-1, 2, -3]))
    [1, 2, 3]

    Raises:
        Exception: Whatever the items raise, or the function, when that result is due.
    """
    waiting, num_threads = iter(items), num_usable_cores()
    pool = ThreadPoolExecutor(num_threads)
    try:
        pending = deque(pool.submit(function, i) for i in islice(waiting, _AHEAD * num_threads))
        while pending:
            yield pending.popleft().result()
            pending.extend(pool.submit(function, item) for item in islice(waiting, 1))
    finally:
        pool.shutdown(cancel_futures=True)
