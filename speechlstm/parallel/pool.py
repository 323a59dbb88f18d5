"""Processes that are started once and share one sequence of items after another.

The processes are spawned: the copy that fork makes of a process whose libraries run threads may
hang. (concurrent.futures has such a pool too, but its processes wait for ever where their parent is
killed, and it does not say what one of them died of.)
"""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeVar

if TYPE_CHECKING:
    from speechlstm.parallel.worker import Outcome, Worker

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
    """The results of a function, in the order of the items: see WorkerPool.

    >>> from functools import partial
    >>> list(map_in_processes(partial(partial, pow, 2), [1, 2, 10], jobs=2))
    [2, 4, 1024]
    """
    with WorkerPool(load, jobs, patience) as pool:
        yield from pool.map(items)


class WorkerPool(Generic[Item, Result]):
    """A function in several processes, for one sequence of items after another.

    This process works alone until its patience ends; then the others are started, and stay until
    the pool is closed. They end when this process does, however it ends, SIGKILL included.

    >>> from functools import partial
    >>> with WorkerPool(partial(partial, pow, 2), jobs=4) as pool:
    ...     [list(pool.map(items)) for items in ([1, 2], [3])]
    [[2, 4], [8]]

    Args:
        load: Makes the function; called here, and once in each process. It must be importable
            there, and items, results and errors travel between processes.
        jobs: Processes, at most; 1: only this one.
        patience: Seconds in which this process works alone, as others may not be worth starting.

    Attributes:
        function: As load has made it here.

    Raises:
        Exception: What load raises.
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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def map(self, items: Sequence[Item]) -> Iterator[Result]:
        """The results of the items, in their order.

        Where nobody asks for the next result, the processes are stopped.

        Raises:
            Exception: What the function raises, in the place of its result.
            SpeechLSTMError: A process has died; of what, and at which item.
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
            except BaseException:  # nobody waits for what the processes still do
                self.close()
                raise

    def close(self) -> None:
        """Stop the processes; the next sequence of items starts others."""
        workers, self._workers = self._workers, []
        for worker in workers:
            worker.stop()

    def _works_alone(self, num_items: int) -> bool:
        return self._jobs == 1 or self._patience > 0 or (num_items == 1 and not self._workers)

    def _shared(self, items: Sequence[Item]) -> Iterator[Result]:
        # Imported here: a single file is transcribed in less time than that takes twice.
        from multiprocessing.connection import wait

        from speechlstm.parallel.worker import Worker

        for number in range(len(self._workers) + 1, min(self._jobs, len(items)) + 1):
            self._workers.append(Worker.start(self._load, number))
        waiting = iter(enumerate(items))
        results: dict[int, Outcome] = {}
        busy = {w.connection: w for w in self._workers if w.give(next(waiting, None))}
        for index in range(len(items)):
            while index not in results:
                for ready in wait(list(busy)):
                    worker = busy.pop(ready)  # type: ignore[call-overload]
                    results[worker.index] = worker.outcome()
                    if worker.give(next(waiting, None)):
                        busy[worker.connection] = worker
            yield results.pop(index).unwrap()
