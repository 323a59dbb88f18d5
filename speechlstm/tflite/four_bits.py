"""Weights in four bits: whole numbers from -7 to 7, with a scale for each row of a kernel.

A row holds the weights of one output of a product. TensorFlow Lite stores two weights in a byte.
"""

import numpy as np
from numpy.typing import NDArray

LARGEST = 7  # -8 is not used, so that zero is in the middle

# The largest weight of a row is one of these multiples of its scale. Whole numbers, so that rows
# that are multiples of a scale already stay as they are; more than LARGEST: the largest weights of
# a row are made smaller, for the sake of the others.
_MULTIPLES = (*range(1, LARGEST + 1), 7.5, 8.0, 8.5, 9.0, 9.5, 10.0, 11.0, 12.0)


def row_scales(kernel: NDArray[np.floating]) -> NDArray[np.float64]:
    """The scale of each row with which rounding to the nearest moves its weights least.

    Args:
        kernel: (num_rows, width).

    Returns:
        (num_rows, 1), greater than 0.

    >>> row_scales(np.array([[0.5, -1.5, 1.0], [0.0, 0.0, 0.0]])).ravel().tolist()
    [0.5, 1.0]
    """
    kernel = np.asarray(kernel, np.float64)
    largest = np.abs(kernel).max(axis=1, keepdims=True)
    candidates = np.stack([np.where(largest > 0, largest, m) / m for m in _MULTIPLES])
    errors = [np.square(rounded(kernel, scales) * scales - kernel).sum(1) for scales in candidates]
    best = np.argmin(errors, axis=0)
    scales: NDArray[np.float64] = candidates[best, np.arange(len(kernel))]
    return scales


def rounded(kernel: NDArray[np.floating], scales: NDArray[np.float64]) -> NDArray[np.int8]:
    """The nearest numbers from -LARGEST to LARGEST of weights divided by scales."""
    return np.clip(np.round(kernel / scales), -LARGEST, LARGEST).astype(np.int8)


def pack(values: NDArray[np.int8]) -> NDArray[np.uint8]:
    """Two numbers a byte, the first in its lower half; the last half may be empty.

    >>> pack(np.array([[1, -1, 7]], np.int8)).tolist()
    [241, 7]
    """
    low, high = np.pad(values.ravel(), (0, values.size % 2)).reshape(-1, 2).T
    return ((low & 15) | (high << 4)).view(np.uint8)


def unpack(data: NDArray[np.uint8], count: int) -> NDArray[np.int8]:
    """The first numbers of those that pack made bytes of.

    >>> unpack(np.array([241, 7], np.uint8), 3).tolist()
    [1, -1, 7]
    """
    pairs = data.view(np.int8)
    return np.stack([pairs << 4 >> 4, pairs >> 4], axis=1).ravel()[:count]
