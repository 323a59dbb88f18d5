"""`Audio`: mono samples with their sample rate."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import soxr
from numpy.typing import ArrayLike, NDArray

from speechlstm.audio.channels import mixed
from speechlstm.audio.source import Recording
from speechlstm.errors import quoted

MIN_SECONDS = 0.05  # a short vowel; nothing shorter can be a word
LEAST_PEAK = 0.03  # -30 dB, which networks are given at least; speech is mostly recorded louder
MAX_PEAK = 16.0  # 24 dB above full scale; higher peaks are integers stored as floats
# Telephony uses 8 kHz and PCM from DSD 705.6 kHz; values far outside come from damaged headers.
MIN_SAMPLE_RATE, MAX_SAMPLE_RATE = 4_000, 768_000
MAX_CHANNELS = 64  # of large microphone arrays; a longer second axis must be time

_OVERSHOOT = 1.41  # 3 dB; decoders of MP3, AAC and Opus exceed full scale by up to this

_INTEGERS = {"int8", "int16", "int32", "uint8", "uint16", "uint32"}


@dataclass(frozen=True, eq=False)
class Audio:
    """A waveform: mono samples with their sample rate.

    >>> audio = Audio.load("data/samples/date.wav")
    >>> audio.sample_rate, round(audio.duration, 3)
    (16000, 2.535)

    Attributes:
        samples: (num_samples,) float32, full scale is [-1, 1].
        sample_rate: In Hz.

    Raises:
        ValueError: The samples are not one-dimensional or not float32.
    """

    samples: NDArray[np.float32]
    sample_rate: int

    def __post_init__(self) -> None:
        dtype = getattr(self.samples, "dtype", type(self.samples).__name__)
        if np.ndim(self.samples) != 1 or dtype != np.float32:
            raise ValueError(
                f"samples must be (num_samples,) float32, are {np.shape(self.samples)} {dtype}; "
                "Audio.from_array converts other arrays"
            )

    @classmethod
    def from_array(cls, samples: ArrayLike, sample_rate: int) -> "Audio":
        """A waveform from an array of any numeric type; its channels are mixed.

        Integers of at most 32 bits are divided by the full scale of their type, unsigned ones after
        subtracting the centre. For floats, full scale is 1; see within_full_scale.

        >>> Audio.from_array(np.array([0, 16384, -32768], np.int16), 16000).samples.tolist()
        [0.0, 0.5, -1.0]

        Args:
            samples: (num_samples,) or (num_samples, num_channels).
            sample_rate: In Hz, 4,000 to 768,000.

        Raises:
            ValueError: The array has another shape or type, samples that are not finite or far
                beyond full scale, or the sample rate is out of range.
        """
        rate = whole_sample_rate(sample_rate)
        if fault := sample_rate_fault(rate):
            raise ValueError(fault)
        return cls(within_full_scale(mixed(scaled(samples))), rate)

    @classmethod
    def load(cls, source: Recording, sample_rate: int | None = None) -> "Audio":
        """Read a recording, like `read_audio`.

        Args:
            source: The path of a file, a `Piece` of one, or a binary file object, which is read
                from its current position.
            sample_rate: In Hz; None: that of the recording.

        Raises:
            AudioError: As in read_audio.
            TypeError: source is neither a path nor a binary file object.
        """
        from speechlstm.audio.recording import read_audio  # imports this module

        return read_audio(source, sample_rate)

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate

    def levelled(self) -> "Audio":
        """The waveform without its mean, and scaled to a peak of LEAST_PEAK if it is quieter.

        The mean is the offset that a cheap sound card adds. Spectra have an absolute floor, below
        which the softer sounds of a quiet recording would be.

        >>> Audio(np.array([0.5, 0.25], np.float32), 16000).levelled().samples.tolist()
        [0.125, -0.125]
        >>> Audio(np.array([1e-4, -1e-4], np.float32), 16000).levelled().samples.round(3).tolist()
        [0.029999999329447746, -0.029999999329447746]
        """
        mean = self.samples.mean(dtype=np.float64) if len(self.samples) else 0.0
        samples = self.samples - np.float32(mean)
        peak = np.abs(samples).max(initial=0)
        if 0 < peak < LEAST_PEAK:
            samples = samples / peak * np.float32(LEAST_PEAK)
        return Audio(samples, self.sample_rate)

    def resampled(self, sample_rate: int) -> "Audio":
        """The waveform at another sample rate; the same object if the rate is the same.

        >>> Audio(np.zeros(16000, np.float32), 16000).resampled(8000).samples.shape
        (8000,)

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
    """Why a sample rate is not possible; None if it is."""
    if MIN_SAMPLE_RATE <= sample_rate <= MAX_SAMPLE_RATE:
        return None
    allowed = f"{MIN_SAMPLE_RATE:,} to {MAX_SAMPLE_RATE:,} Hz"
    return f"the sample rate of {sample_rate} Hz is outside {allowed}"


def sample_fault(samples: NDArray[np.float32]) -> str | None:
    """Why samples of any shape are not a waveform with full scale 1; None if they are."""
    peak = np.abs(samples).max(initial=0)
    if not np.isfinite(peak):
        return "has samples that are not finite; export it as 16-bit PCM"
    if peak > MAX_PEAK:
        return (
            f"has samples up to {peak:.5g}, but full scale is 1; divide integers by their type's "
            "full scale"
        )
    return None


def within_full_scale(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Samples within [-1, 1]: clipped if they exceed it by little, else scaled before.

    Floats can be far louder than full scale and intact; clipped by 12 dB, twice as many words are
    misheard. But what only a few samples reach is a click, which must not make the others quiet.

    >>> within_full_scale(np.array([0.5, 1.1], np.float32)).tolist()
    [0.5, 1.0]
    >>> within_full_scale(np.array([0.5, -4.0], np.float32)).tolist()
    [0.125, -1.0]
    """
    level = np.abs(samples)
    if (peak := level.max(initial=0)) > _OVERSHOOT:
        usual = 1.5 * np.quantile(level, 0.999)
        samples = samples / np.float32(max(1.0, min(peak, usual)))
    return np.clip(samples, -1, 1)


def length_fault(num_samples: int, sample_rate: int) -> str | None:
    """Why a recording of this length cannot have speech; None if it can."""
    if num_samples == 0:
        return "has no samples"
    if num_samples < MIN_SECONDS * sample_rate:
        return f"lasts {num_samples / sample_rate:.2g} s, too short for speech"
    return None


def whole_sample_rate(sample_rate: Any) -> int:
    """A sample rate as an int.

    Raises:
        ValueError: It is not a whole number.
    """
    with suppress(TypeError, ValueError, OverflowError):
        if int(sample_rate) == sample_rate:
            return int(sample_rate)
    raise ValueError(f"the sample rate must be a whole number, is {quoted(sample_rate)}")


def scaled(samples: ArrayLike) -> NDArray[np.float32]:
    """The channels of an array, (num_samples, num_channels), with full scale 1.

    Args:
        samples: As `Audio.from_array` takes them.

    Raises:
        ValueError: As in Audio.from_array.
    """
    array = np.asarray(samples)
    if not array.ndim or isinstance(samples, bytes | bytearray):
        raise ValueError(
            f"samples must be an array, not {type(samples).__name__}; of the bytes of 16-bit PCM, "
            "np.frombuffer(content, np.int16) makes one"
        )
    if array.ndim not in (1, 2) or (array.ndim == 2 and not 1 <= array.shape[1] <= MAX_CHANNELS):
        hint = "; transpose it" if array.ndim == 2 and array.shape[0] <= MAX_CHANNELS else ""
        raise ValueError(
            "samples must have the shape (num_samples,) or (num_samples, num_channels), not "
            f"{array.shape}{hint}"
        )
    channels = _full_scale_one(array)
    if fault := sample_fault(channels):
        raise ValueError(f"samples of shape {array.shape}: {fault}")
    return channels[:, np.newaxis] if channels.ndim == 1 else channels


def _full_scale_one(array: NDArray[Any]) -> NDArray[np.float32]:
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):  # an overflow becomes infinity, which is refused later
            return array.astype(np.float32)
    if array.dtype.name not in _INTEGERS:
        raise ValueError(
            f"samples must be floats or integers of at most 32 bits, not {array.dtype}, whose full "
            "scale is not known"
        )
    half = 2.0 ** (8 * array.dtype.itemsize - 1)
    centre = half if array.dtype.kind == "u" else 0.0
    return ((array.astype(np.float64) - centre) / half).astype(np.float32)
