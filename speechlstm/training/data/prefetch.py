"""Batches made while the one before is trained on."""

import os
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, Protocol

MAX_LOADERS = 8  # threads that make batches: decoding and filters hold no lock of Python's


class Batches(Protocol):
    """The batches of an epoch, in its order; made by any thread."""

    def start_epoch(self, epoch: int) -> None:
        """Draw the order of an epoch, counted from 0."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> tuple[dict[str, Any], dict[str, Any]]: ...


def prefetched(data: Batches, start: int) -> Iterator[tuple[int, Any, float]]:
    """Batches from start on, each with its index and the seconds of waiting for it."""
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
