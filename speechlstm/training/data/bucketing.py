"""Batches of sequences of like length, so that little of them is padding."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def bucket(
    order: NDArray[np.int64],
    lengths: NDArray[np.int64],
    widths: NDArray[np.int64] | None = None,
    *,
    capacity: float = math.inf,
    max_rows: float = math.inf,
    max_padding: float = 1.0,
) -> list[NDArray[np.int64]]:
    """Cut an order of rising or falling widths into batches.

    A batch is as wide as its widest row. It ends where one more row would exceed a limit; a single
    row may exceed them.

        >>> bucket(np.array([2, 0, 1]), np.array([3, 5, 2]), capacity=6)
        [array([2, 0]), array([1])]

    Args:
        order: (num_rows,) places of the rows, in an order of rising or falling widths.
        lengths: (num_rows,) of each row by its place.
        widths: (num_rows,) what each row must be padded to at least; its length if None.
        capacity: Of a batch, padding included, in the unit of the widths.
        max_rows: Of a batch.
        max_padding: Share of all batches so far that may be padding: in a small corpus, whose
            lengths lie far apart, a batch ends sooner.

    Returns:
        The places of the rows of each batch.
    """
    widths = lengths if widths is None else widths
    batches, start, spoken, padded, widest = [], 0, 0, 0, 0
    rows = zip(lengths[order].tolist(), widths[order].tolist(), strict=True)
    for end, (length, width) in enumerate(rows):
        spoken += length
        num_rows = end + 1 - start
        size = num_rows * max(width, widest)
        if end > start and (
            size > capacity or num_rows > max_rows or spoken < (1 - max_padding) * (padded + size)
        ):
            batches.append(order[start:end])
            padded += (num_rows - 1) * widest
            start, widest = end, 0
        widest = max(width, widest)
    return [*batches, order[start:]]


def pad(rows: Sequence[Any], width: int, dtype: Any) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """Rows of different lengths as one array (num_rows, width), zeros behind, and their lengths.

    >>> pad([[1, 2], [3]], 3, np.int32)
    (array([[1, 2, 0],
           [3, 0, 0]], dtype=int32), array([2, 1], dtype=int32))
    """
    padded = np.zeros((len(rows), width), dtype)
    for target, row in zip(padded, rows, strict=True):
        target[: len(row)] = row
    return padded, np.array([len(row) for row in rows], np.int32)
