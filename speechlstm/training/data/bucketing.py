"""Batches of sequences of similar lengths, which need little padding."""

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
    """Split rows that are sorted by width into batches.

    All rows of a batch are padded to the width of its widest row. A batch ends before the row that
    would exceed a limit; a batch of a single row may exceed the limits.

    Args:
        order: (num_rows,) indices of the rows, sorted by width, ascending or descending.
        lengths: (num_rows,) length of each row, by index.
        widths: (num_rows,) smallest width to which each row is padded; its length if None.
        capacity: Largest size of a batch, padding included, in the unit of the widths.
        max_rows: Largest number of rows of a batch.
        max_padding: Largest fraction, 0..1, of all batches so far that may be padding. In a small
            corpus, whose lengths differ a lot, batches then have fewer rows.

    Returns:
        The indices of the rows of each batch.

    >>> bucket(np.array([2, 0, 1]), np.array([3, 5, 2]), capacity=6)
    [array([2, 0]), array([1])]
    """
    widths = lengths if widths is None else widths
    batches, start, num_real, padded, widest = [], 0, 0, 0, 0
    rows = zip(lengths[order].tolist(), widths[order].tolist(), strict=True)
    for end, (length, width) in enumerate(rows):
        num_real += length
        num_rows = end + 1 - start
        size = num_rows * max(width, widest)
        if end > start and (
            size > capacity or num_rows > max_rows or num_real < (1 - max_padding) * (padded + size)
        ):
            batches.append(order[start:end])
            padded += (num_rows - 1) * widest
            start, widest = end, 0
        widest = max(width, widest)
    return [*batches, order[start:]]


def shuffled_batches(
    generator: np.random.Generator,
    lengths: NDArray[np.int64],
    capacity: float = math.inf,
    max_rows: float = math.inf,
) -> list[NDArray[np.int64]]:
    """Batches of rows of similar lengths, in a random order; rows of equal length are shuffled.

    Args:
        lengths: (num_rows,) length of each row.
        capacity: Largest size of a batch, padding included; see bucket.
        max_rows: Largest number of rows of a batch.

    Returns:
        The indices of the rows of each batch.

    >>> batches = shuffled_batches(np.random.default_rng(1), np.array([3, 5, 2]), max_rows=2)
    >>> sorted(batch.tolist() for batch in batches)
    [[1], [2, 0]]
    """
    order = np.lexsort((generator.random(len(lengths)), lengths))
    batches = bucket(order, lengths, capacity=capacity, max_rows=max_rows)
    return [batches[i] for i in generator.permutation(len(batches))]


def pad(rows: Sequence[Any], width: int, dtype: Any) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """Pad rows of different lengths with zeros at the end.

    Args:
        rows: Sequences of at most `width` numbers.

    Returns:
        The rows (num_rows, width), and their lengths (num_rows,) int32.

    >>> pad([[1, 2], [3]], 3, np.int32)
    (array([[1, 2, 0],
           [3, 0, 0]], dtype=int32), array([2, 1], dtype=int32))
    """
    padded = np.empty((len(rows), width), dtype)
    for target, row in zip(padded, rows, strict=True):
        target[: len(row)] = row
        target[len(row) :] = 0
    return padded, np.array([len(row) for row in rows], np.int32)
