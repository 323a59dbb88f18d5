"""Batches prepared by threads while the previous batch is trained on.

Processes would prepare no more: a thread holds Python's lock for a quarter to a third of its time
(scripts/README.md), so that it allows several times as much as the fastest network needs.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, Protocol

MAX_LOADERS = 8  # threads that prepare batches: NumPy and soxr release Python's lock
_AHEAD = 2  # batches that are ready or wait for a thread, since some take longer to prepare

Batch = tuple[dict[str, Any], dict[str, Any]]  # inputs and targets


class Batches(Protocol):
    """The batches of an epoch, in order; `__getitem__` may be called by any thread."""

    def start_epoch(self, epoch: int) -> None:
        """Draw the order of the batches of an epoch; epochs are counted from 0."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Batch: ...


def prefetched(
    data: Batches, start: int, place: Callable[[Batch], Batch] = lambda batch: batch
) -> Iterator[tuple[int, Batch, float]]:
    """Yield the batches from an index on.

    Args:
        start: The index of the first batch to yield.
        place: Called with each batch by the thread that prepared it; moves it to a device.

    Yields:
        The index of a batch, the batch, and the seconds spent waiting for it.
    """
    num_loaders = min(MAX_LOADERS, os.cpu_count() or 1)
    indices = iter(range(start, len(data)))

    def prepared(index: int) -> Batch:
        return place(data[index])

    with ThreadPoolExecutor(num_loaders) as pool:
        pending = deque(pool.submit(prepared, i) for i in islice(indices, num_loaders + _AHEAD))
        for index in range(start, len(data)):
            started = time.monotonic()
            batch = pending.popleft().result()
            waited = time.monotonic() - started
            pending.extend(pool.submit(prepared, i) for i in islice(indices, 1))
            yield index, batch, waited
