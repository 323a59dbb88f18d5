"""A waveform in pieces, cut where it is quietest."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from speechlstm.audio.waveform import Audio, length_fault, sample_fault

PAUSE_SECONDS = 0.2  # longer than a stop's closure, so that a pause between words wins


def split(audio: Audio, max_seconds: float = 20.0) -> Iterator[tuple[float, Audio]]:
    """A waveform in pieces, as read_segments yields those of a recording.

    Raises:
        ValueError: It is shorter than MIN_SECONDS, or its samples are not finite or far beyond full
            scale.
    """
    if fault := length_fault(len(audio.samples), audio.sample_rate):
        raise ValueError(f"the audio {fault}")
    if fault := sample_fault(audio.samples):
        raise ValueError(f"the audio {fault}")
    return cut_at_pauses(iter([audio.samples]), audio.sample_rate, max_seconds)


def cut_at_pauses(
    blocks: Iterator[NDArray[np.float32]], sample_rate: int, max_seconds: float
) -> Iterator[tuple[float, Audio]]:
    """The same of blocks of samples, of any length each; they are held until a piece is full."""
    max_samples = round(max_seconds * sample_rate)
    start, pending = 0, np.empty(0, np.float32)
    for block in blocks:
        pending = np.concatenate((pending, block))
        while len(pending) > max_samples:
            cut = _quietest(pending[:max_samples], sample_rate)
            yield start / sample_rate, Audio(pending[:cut], sample_rate)
            start, pending = start + cut, pending[cut:]
    yield start / sample_rate, Audio(pending, sample_rate)


def _quietest(samples: NDArray[np.float32], sample_rate: int) -> int:
    """The middle of the quietest pause between a half and nine tenths of the samples."""
    low, high = len(samples) // 2, len(samples) * 9 // 10
    window = round(PAUSE_SECONDS * sample_rate)
    energy = np.cumsum(np.square(samples[low:high], dtype=np.float64))
    return low + window // 2 + int(np.argmin(energy[window:] - energy[:-window]))
