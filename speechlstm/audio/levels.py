"""Finds where the level of a recording changes by much and for long.

The features of a segment are normalised by its mean and variance, as in training. If one part of it
is much louder than another (a second speaker far away, a telephone that rings, music, minutes of
digital silence), that of the whole fits neither. Ordinary speech does not change that much: it is
not cut, because networks need what is around a word.

The level is that of the loudest moment within 0.3 s, so that pauses between words do not count. It
is described by as few constant parts as possible, by least squares with a cost for each part
(Jackson et al., "An algorithm for optimal partitioning of data on an interval", 2005).
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_HOP_SECONDS = 0.1
_REACH = 3  # hops
_RANGE_DB = 30.0  # below the loudest moment; what is quieter counts as this
_LOWEST_DB = -90.0  # of full scale
# Of a part, in dB squared times hops: 5 s are cut from 5 s that are 16 dB louder, and a second from
# what is before or after it if it is 25 dB louder.
_PART_COST = 6000.0


def level_changes(samples: NDArray[np.float32], sample_rate: int) -> list[int]:
    """The samples before which a segment is cut, at quiet places.

    >>> time = np.arange(64000) / 16000
    >>> tone = np.sin(500 * time) * np.where(time < 2, 0.5, 0.005) * (time % 0.5 < 0.35)
    >>> [cut / 16000 for cut in level_changes(tone.astype(np.float32), 16000)]
    [2.0]

    Args:
        samples: (num_samples,), full scale is [-1, 1].
        sample_rate: In Hz.
    """
    hop = round(_HOP_SECONDS * sample_rate)
    number = len(samples) // hop
    if number < 2:
        return []
    frames = samples[: number * hop].reshape(number, hop)
    # Without the mean: an offset has no level.
    centred = frames - frames.mean(axis=1, keepdims=True)
    powers = np.square(centred).mean(axis=1, dtype=np.float64)
    levels = 10 * np.log10(np.maximum(powers, 10 ** (_LOWEST_DB / 10)))
    around = np.pad(levels, _REACH, mode="edge")
    loudest = np.lib.stride_tricks.sliding_window_view(around, 2 * _REACH + 1).max(axis=1)
    values = np.maximum(loudest, loudest.max() - _RANGE_DB)
    starts = _parts(values)
    means = [part.mean() for part in np.split(values, starts)]
    # Where the louder part ends or begins: it reaches into the other one.
    edges = [
        start + (_REACH if after > before else -_REACH)
        for start, (before, after) in zip(starts, pairwise(means), strict=True)
    ]
    return sorted({_quietest(powers, edge) * hop for edge in edges})


def _parts(values: NDArray[np.float64]) -> list[int]:
    """Where the second and further constant parts begin."""
    sums = np.concatenate(([0.0], np.cumsum(values)))
    squares = np.concatenate(([0.0], np.cumsum(values**2)))
    costs, before = np.zeros(len(values) + 1), [0]
    for end in range(1, len(values) + 1):
        lengths = np.arange(end, 0, -1)
        errors = squares[end] - squares[:end] - (sums[end] - sums[:end]) ** 2 / lengths
        totals = costs[:end] + errors + _PART_COST
        before.append(int(totals.argmin()))
        costs[end] = totals[before[-1]]
    starts, place = [], before[-1]
    while place:
        starts.append(place)
        place = before[place]
    return starts[::-1]


def _quietest(powers: NDArray[np.float64], place: int) -> int:
    """The quietest place near another one, between two hops."""
    places = np.arange(place - _REACH, place + _REACH + 1).clip(1, len(powers) - 1)
    return int(places[(powers[places - 1] + powers[places]).argmin()])
