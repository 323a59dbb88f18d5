"""Applies a function to many items in threads: for work that releases Python's lock."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from speechlstm.parallel.pool import num_usable_cores

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 4  # items taken for each thread before the oldest result is due


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
