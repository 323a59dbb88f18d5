"""Batches prepared by threads while the previous batch is trained on."""

import os
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, Protocol

MAX_LOADERS = 8  # threads that prepare batches: NumPy and soxr release Python's lock


class Batches(Protocol):
    """The batches of an epoch, in order; `__getitem__` may be called by any thread."""

    def start_epoch(self, epoch: int) -> None:
        """Draw the order of the batches of an epoch; epochs are counted from 0."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> tuple[dict[str, Any], dict[str, Any]]: ...


def prefetched(data: Batches, start: int) -> Iterator[tuple[int, Any, float]]:
    """Yield the batches from an index on.

    Args:
        data: The batches.
        start: The index of the first batch to yield.

    Yields:
        The index of a batch, the batch, and the seconds spent waiting for it.
    """
    num_loaders = min(MAX_LOADERS, os.cpu_count() or 1)
    indices = iter(range(start, len(data)))
    with ThreadPoolExecutor(num_loaders) as pool:
        pending = deque(pool.submit(data.__getitem__, i) for i in islice(indices, num_loaders))
        for index in range(start, len(data)):
            started = time.monotonic()
            batch = pending.popleft().result()
            waited = time.monotonic() - started
            pending.extend(pool.submit(data.__getitem__, i) for i in islice(indices, 1))
            yield index, batch, waited
