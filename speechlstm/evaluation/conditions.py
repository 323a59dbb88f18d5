"""How loud and how noisy the recordings of an evaluation are."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from speechlstm.audio import Audio, Piece, read_audio
from speechlstm.errors import DataError
from speechlstm.parallel import Progress, no_progress

_WINDOW_SECONDS = 0.03
_NOISE_QUANTILE = 0.1  # speech pauses for a tenth of the time, at least between words
_SPEECH_QUANTILE = 0.9  # the vowels
_SAMPLE_RATE = 16_000  # Hz, at which recordings are measured and played
_SILENCE_DB = -90.0  # of full scale; below a step of 16 bits


@dataclass(frozen=True)
class Conditions:
    """Levels of a recording, in dB of full scale; at least -90.

    Attributes:
        loudness_db: The level that a tenth of the windows of 30 ms exceed: that of the vowels.
        noise_db: The level that a tenth of the windows do not exceed: that of the background.
    """

    loudness_db: float
    noise_db: float


def measure_conditions(audio: Audio) -> Conditions:
    """Measure a recording.

    >>> measure_conditions(Audio(np.full(16000, 0.5, np.float32), 16000)).loudness_db
    -90.0
    """
    powers = np.array([window.var() for window in _windows(audio)])
    levels = np.maximum(10 * np.log10(powers + 1e-20), _SILENCE_DB)
    noise, loudness = np.quantile(levels, [_NOISE_QUANTILE, _SPEECH_QUANTILE])
    return Conditions(float(loudness), float(noise))


def _windows(audio: Audio) -> Iterator[np.ndarray]:
    size = max(1, round(_WINDOW_SECONDS * audio.sample_rate))
    for start in range(0, max(1, len(audio.samples) - size + 1), size):
        yield audio.samples[start : start + size]


@dataclass(frozen=True)
class Recordings:
    """The recordings of an evaluation.

    Attributes:
        sources: What to read for each utterance, by its id.
        conditions: Their levels, by id; of those that can be read.
    """

    sources: Mapping[str, Path | Piece] = field(default_factory=dict)
    conditions: Mapping[str, Conditions] = field(default_factory=dict)

    @classmethod
    def measure(
        cls, sources: Mapping[str, Path | Piece], progress: Progress = no_progress
    ) -> "Recordings":
        """Read all recordings and measure their levels."""
        conditions: dict[str, Conditions] = {}
        for name, source in progress(list(sources.items()), len(sources), "measuring"):
            if audio := read_recording(source):
                conditions[name] = measure_conditions(audio)
        return cls(sources, conditions)


def read_recording(source: Path | Piece) -> Audio | None:
    """A recording at 16 kHz; None: it cannot be read."""
    try:
        return read_audio(source, _SAMPLE_RATE)
    except DataError:  # it was read before, but may have been removed since
        return None
