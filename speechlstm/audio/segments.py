"""Cuts waveforms into segments at the quietest places, and where their level changes by much."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from speechlstm.audio.levels import level_changes
from speechlstm.audio.waveform import Audio, length_fault, sample_fault, within_full_scale

PAUSE_SECONDS = 0.2  # longer than the closure of a stop, so that pauses between words are preferred


def split(audio: Audio, max_seconds: float = 20.0) -> Iterator[tuple[float, Audio]]:
    """Cut a waveform into segments, as read_segments does for a recording.

    Yields the start of each segment in seconds, and the segment.

    >>> [start for start, piece in split(Audio(np.zeros(16000, np.float32), 16000))]
    [0.0]

    Raises:
        ValueError: The audio is shorter than MIN_SECONDS, or its samples are not finite or far
            beyond full scale.
    """
    if fault := length_fault(len(audio.samples), audio.sample_rate):
        raise ValueError(f"the audio {fault}")
    if fault := sample_fault(audio.samples):
        raise ValueError(f"the audio {fault}")
    return cut_at_pauses(iter([audio.samples]), audio.sample_rate, max_seconds)


def cut_at_pauses(
    blocks: Iterator[NDArray[np.float32]], sample_rate: int, max_seconds: float
) -> Iterator[tuple[float, Audio]]:
    """Cut blocks of samples, of any length, into segments of at most max_seconds."""
    for start, audio in _cut_by_length(blocks, sample_rate, max_seconds):
        edges = [0, *level_changes(audio.samples, sample_rate), len(audio.samples)]
        for first, end in pairwise(edges):
            samples = within_full_scale(audio.samples[first:end])
            yield start + first / sample_rate, Audio(samples, sample_rate)


def _cut_by_length(
    blocks: Iterator[NDArray[np.float32]], sample_rate: int, max_seconds: float
) -> Iterator[tuple[float, Audio]]:
    max_samples = round(max_seconds * sample_rate)
    start, pending = 0, np.empty(0, np.float32)
    for block in blocks:
        pending = np.concatenate((pending, block))
        while len(pending) > max_samples:
            cut = quietest(pending[:max_samples], sample_rate)
            yield start / sample_rate, Audio(pending[:cut], sample_rate)
            start, pending = start + cut, pending[cut:]
    yield start / sample_rate, Audio(pending, sample_rate)


def quietest(samples: NDArray[np.float32], sample_rate: int) -> int:
    """The middle of the quietest pause between one half and nine tenths of the samples."""
    low, high = len(samples) // 2, len(samples) * 9 // 10
    window = round(PAUSE_SECONDS * sample_rate)
    sums, squares = (
        np.cumsum(values, dtype=np.float64)
        for values in (samples[low:high], np.square(samples[low:high], dtype=np.float64))
    )
    # Without the mean of each window: an offset has no energy.
    energy = squares[window:] - squares[:-window] - (sums[window:] - sums[:-window]) ** 2 / window
    return low + window // 2 + int(np.argmin(energy))
