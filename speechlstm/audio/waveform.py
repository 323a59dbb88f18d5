"""A waveform: mono samples with their rate."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soxr
from numpy.typing import ArrayLike, NDArray

from speechlstm.audio.channels import mixed

MIN_SECONDS = 0.05  # the shortest vowel; anything less is a slip of the recorder
MAX_PEAK = 16.0  # 24 dB above full scale: no clipping, but integers saved as floats
# Telephones begin at 8 kHz and DSD's PCM ends at 705.6; other numbers are no rates but damage.
MIN_SAMPLE_RATE, MAX_SAMPLE_RATE = 4_000, 768_000
MAX_CHANNELS = 64  # the largest microphone arrays; a longer second axis is time

_INTEGERS = {"int8", "int16", "int32", "uint8", "uint16", "uint32"}


@dataclass(frozen=True, eq=False)
class Audio:
    """A waveform.

    Attributes:
        samples: (num_samples,) float32, full scale is [-1, 1].
        sample_rate: Samples a second.

    Raises:
        ValueError: The samples are not one-dimensional float32.
    """

    samples: NDArray[np.float32]
    sample_rate: int

    def __post_init__(self) -> None:
        if self.samples.ndim != 1 or self.samples.dtype != np.float32:
            raise ValueError(
                f"samples must be (num_samples,) float32, are {self.samples.shape} "
                f"{self.samples.dtype}; Audio.from_array converts other arrays"
            )

    @classmethod
    def from_array(cls, samples: ArrayLike, sample_rate: int) -> "Audio":
        """A waveform from an array of any numeric type, its channels mixed.

        Integers of at most 32 bits are divided by their type's full scale, unsigned ones centred
        first; floats have theirs at 1, and are clipped there.

        >>> Audio.from_array(np.array([0, 16384, -32768], np.int16), 16000).samples.tolist()
        [0.0, 0.5, -1.0]

        Args:
            samples: (num_samples,) or (num_samples, num_channels).
            sample_rate: Samples a second, 4,000 to 768,000.

        Raises:
            ValueError: Another shape, another type, samples that are not finite or far beyond full
                scale, or a rate out of range.
        """
        array = np.asarray(samples)
        if array.ndim not in (1, 2) or (
            array.ndim == 2 and not 1 <= array.shape[1] <= MAX_CHANNELS
        ):
            hint = "; transpose it" if array.ndim == 2 and array.shape[0] <= MAX_CHANNELS else ""
            raise ValueError(
                "samples must be (num_samples,) or (num_samples, num_channels), are "
                f"{array.shape}{hint}"
            )
        if int(sample_rate) != sample_rate:
            raise ValueError(f"the sample rate must be a whole number, is {sample_rate}")
        if fault := sample_rate_fault(int(sample_rate)):
            raise ValueError(fault)
        scaled = _full_scale_one(array)
        if fault := sample_fault(scaled):
            raise ValueError(f"samples of shape {array.shape}: {fault}")
        mono = mixed(scaled[:, np.newaxis] if scaled.ndim == 1 else scaled)
        return cls(np.clip(mono, -1, 1), int(sample_rate))

    @classmethod
    def load(cls, source: Path | str | BinaryIO, sample_rate: int | None = None) -> "Audio":
        """A recording as `read_audio` decodes it, by default at its own rate.

        Args:
            source: A file by its name, or a binary file object, read from where it stands.
            sample_rate: Samples a second; None: those of the recording.

        Raises:
            AudioError: As in read_audio.
        """
        from speechlstm.audio.recording import read_audio  # it needs this class

        return read_audio(source, sample_rate)

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate

    def resampled(self, sample_rate: int) -> "Audio":
        """The waveform at another rate, low-passed where that is lower; itself at its own.

        Raises:
            ValueError: The rate is not in 4,000 to 768,000.
        """
        if sample_rate == self.sample_rate:
            return self
        if fault := sample_rate_fault(sample_rate):
            raise ValueError(fault)
        samples = soxr.resample(self.samples, self.sample_rate, sample_rate)
        return Audio(np.clip(samples, -1, 1), sample_rate)


def sample_rate_fault(sample_rate: int) -> str | None:
    """Why no recording has such a rate; None where one may."""
    if MIN_SAMPLE_RATE <= sample_rate <= MAX_SAMPLE_RATE:
        return None
    allowed = f"{MIN_SAMPLE_RATE:,} to {MAX_SAMPLE_RATE:,} Hz"
    return f"the sample rate of {sample_rate} Hz is outside {allowed}"


def sample_fault(samples: NDArray[np.float32]) -> str | None:
    """Why samples, of any shape, are no sound with full scale 1; None where they are."""
    peak = np.abs(samples).max(initial=0)
    if not np.isfinite(peak):
        return "holds samples that are not finite; export it as 16-bit PCM"
    if peak > MAX_PEAK:
        return (
            f"has samples that reach {peak:.5g} where full scale is 1; divide by the integers' "
            "range"
        )
    return None


def length_fault(num_samples: int, sample_rate: int) -> str | None:
    """Why so little sound cannot hold speech; None where it may."""
    if num_samples == 0:
        return "holds no samples"
    if num_samples < MIN_SECONDS * sample_rate:
        return f"lasts {num_samples / sample_rate:.2g} s, too short to hold speech"
    return None


def _full_scale_one(array: NDArray[Any]) -> NDArray[np.float32]:
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):  # the infinity that comes of it is refused
            return array.astype(np.float32)
    if array.dtype.name not in _INTEGERS:
        raise ValueError(
            f"samples of shape {array.shape} must be floats or integers of at most 32 bits, are "
            f"{array.dtype}: its full scale is not known"
        )
    half = 2.0 ** (8 * array.dtype.itemsize - 1)
    centre = half if array.dtype.kind == "u" else 0.0
    return ((array.astype(np.float64) - centre) / half).astype(np.float32)
