"""Measures recordings as sound: level, clipping, silence, the band that has speech."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speechlstm.audio import Audio

SILENT_PEAK_DB = -60.0  # of full scale; a recording that stays below holds nothing
_FRAME_SECONDS = 0.03
_QUIET_DB = 40.0  # below the loud frames of a recording
_QUIET_ALWAYS_DB = -70.0  # of full scale
_LOUD_QUANTILE = 0.95

_CLIPPED_RUN = 3  # samples at the same extreme
_STEP = 2.0**-15  # of 16 bits
_MIN_CLIPPED_PEAK = 0.25  # of full scale; quieter recordings have runs by chance

_BLOCK_SECONDS, _BLOCK_HOP_SECONDS = 0.4, 0.1  # ITU-R BS.1770-5, annex 1
_GATE_LUFS, _RELATIVE_GATE_LU = -70.0, -10.0
_OFFSET_LUFS = -0.691

_SPECTRUM_SECONDS = 0.032
_BAND_HZ = 100.0
# 540 recordings of nine corpora have a band of at most 4 kHz by this limit once they were converted
# to 8 kHz and back; before that, of 4.5 kHz and more, but for a few of Speech Commands.
_BAND_LIMIT_DB = 60.0
_FLOOR = 1e-20

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sound:
    """How a recording sounds.

    >>> sound = Sound.measured(Audio.load("data/samples/date.wav"))
    >>> sound.sample_rate, sound.is_narrow, sound.clipped
    (16000, False, 0.0)

    Attributes:
        duration: In seconds.
        sample_rate: Of the file, in Hz.
        peak_db: The largest sample, in dB of full scale.
        loudness: Integrated loudness after ITU-R BS.1770, in LUFS; -inf: below -70 LUFS.
        clipped: The share of samples, 0..1, in runs at the largest or smallest value.
        silence: The share of time, 0..1, that is 40 dB below the loud parts, or quieter.
        leading_silence: In seconds.
        trailing_silence: In seconds.
        longest_silence: In seconds.
        bandwidth: The highest frequency, in Hz, whose level is at most 60 dB below the strongest.
    """

    duration: float
    sample_rate: int
    peak_db: float
    loudness: float
    clipped: float
    silence: float
    leading_silence: float
    trailing_silence: float
    longest_silence: float
    bandwidth: float

    @classmethod
    def measured(cls, audio: Audio) -> "Sound":
        """Measure a recording at the sample rate of its file."""
        samples, rate = audio.samples, audio.sample_rate
        peak = float(np.abs(samples).max(initial=0))
        quiet = _quiet_frames(samples, rate)
        runs = _runs(quiet)
        longest = max((end - start for start, end in runs), default=0)
        leading = runs[0][1] if runs and runs[0][0] == 0 else 0
        trailing = runs[-1][1] - runs[-1][0] if runs and runs[-1][1] == len(quiet) else 0
        return cls(
            duration=audio.duration,
            sample_rate=rate,
            peak_db=20 * math.log10(max(peak, 1e-10)),
            loudness=loudness(samples, rate),
            clipped=clipped_share(samples),
            silence=float(quiet.mean()),
            leading_silence=leading * _FRAME_SECONDS,
            trailing_silence=trailing * _FRAME_SECONDS,
            longest_silence=longest * _FRAME_SECONDS,
            bandwidth=bandwidth(samples, rate),
        )

    @property
    def is_silent(self) -> bool:
        """Whether it holds nothing."""
        return self.peak_db < SILENT_PEAK_DB

    @property
    def is_narrow(self) -> bool:
        """Whether a file of at least 16 kHz has nothing but a telephone's band, below 4.4 kHz."""
        return self.sample_rate >= 16_000 and self.bandwidth < 4_400 and not self.is_silent


def clipped_share(samples: NDArray[np.float32]) -> float:
    """The share of samples, 0..1, that are in runs of three or more at either extreme.

    An overloaded converter cuts peaks off. It does not matter whether the recording was made
    quieter afterwards.
    """
    num_clipped = 0
    for extreme in (samples.max(initial=0), samples.min(initial=0)):
        if abs(extreme) >= _MIN_CLIPPED_PEAK:
            at_extreme = np.abs(samples - extreme) < _STEP
            lengths = [end - start for start, end in _runs(at_extreme)]
            num_clipped += sum(length for length in lengths if length >= _CLIPPED_RUN)
    return num_clipped / max(len(samples), 1)


def loudness(samples: NDArray[np.float32], sample_rate: int) -> float:
    """Integrated loudness in LUFS after ITU-R BS.1770-5, of one channel; -inf: below -70 LUFS.

    The K-weighting is applied to the spectra of the blocks; a recording shorter than a block is one
    block.
    """
    size = min(round(_BLOCK_SECONDS * sample_rate), len(samples))
    blocks = np.lib.stride_tricks.sliding_window_view(samples, size)
    blocks = blocks[:: round(_BLOCK_HOP_SECONDS * sample_rate)]
    weights = _k_weights(size, sample_rate)
    powers = np.array([_weighted_power(block, weights) for block in blocks])
    powers = powers[_lufs(powers) > _GATE_LUFS]
    if not len(powers):
        return -math.inf
    powers = powers[_lufs(powers) > _lufs(powers.mean()) + _RELATIVE_GATE_LU]
    return float(_lufs(powers.mean()))


def _weighted_power(block: NDArray[np.float32], weights: Floats) -> float:
    spectrum = np.fft.rfft(block.astype(np.float64))
    return float((np.square(np.abs(spectrum)) * weights).sum()) / len(block) ** 2


def _lufs(power: NDArray[np.float64]) -> NDArray[np.float64]:
    return _OFFSET_LUFS + 10 * np.log10(np.maximum(power, _FLOOR))


def _k_weights(size: int, sample_rate: int) -> Floats:
    """The power response of the K-weighting at the bins of a real FFT, both halves counted.

    The coefficients of BS.1770 are for 48 kHz; those for other rates follow from its analogue
    prototypes (De Man, "Evaluation of implementations of the EBU R128 loudness measurement", 2018).
    """
    z = np.exp(-2j * np.pi * np.fft.rfftfreq(size))
    k, q = math.tan(math.pi * 1681.974450955533 / sample_rate), 0.7071752369554196
    high = 10 ** (3.999843853973347 / 20)
    middle = high**0.4996667741545416
    shelf = (
        (high + middle * k / q + k * k)
        + 2 * (k * k - high) * z
        + (high - middle * k / q + k * k) * z**2
    ) / ((1 + k / q + k * k) + 2 * (k * k - 1) * z + (1 - k / q + k * k) * z**2)
    k, q = math.tan(math.pi * 38.13547087602444 / sample_rate), 0.5003270373238773
    norm = 1 + k / q + k * k
    high_pass = (1 - 2 * z + z**2) / (
        1 + 2 * (k * k - 1) / norm * z + (1 - k / q + k * k) / norm * z**2
    )
    weights = np.square(np.abs(shelf * high_pass))
    weights[1 : (size + 1) // 2] *= 2  # the bins of negative frequencies
    return np.asarray(weights, np.float64)


def bandwidth(samples: NDArray[np.float32], sample_rate: int) -> float:
    """The highest frequency in Hz with a level of at most 60 dB below the strongest; 0: silence.

    Resampling a telephone's recording to 16 kHz adds nothing above 4 kHz.
    """
    size = round(_SPECTRUM_SECONDS * sample_rate)
    padded = np.pad(samples, (0, max(0, size - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[:: size // 2]
    window = np.blackman(size).astype(np.float32)  # its side lobes are below -58 dB and fall
    total = np.zeros(size // 2 + 1)
    for first in range(0, len(frames), 512):
        total += np.square(np.abs(np.fft.rfft(frames[first : first + 512] * window))).sum(axis=0)
    edges = np.arange(0, sample_rate / 2, _BAND_HZ)
    starts = np.searchsorted(np.fft.rfftfreq(size, 1 / sample_rate), edges)
    levels = 10 * np.log10(np.maximum(total[starts], _FLOOR))
    if levels.max() <= 10 * math.log10(_FLOOR):
        return 0.0
    last = int(np.flatnonzero(levels >= levels.max() - _BAND_LIMIT_DB)[-1])
    return float(min(edges[last] + _BAND_HZ, sample_rate / 2))


def _quiet_frames(samples: NDArray[np.float32], sample_rate: int) -> NDArray[np.bool_]:
    """Whether each frame of 30 ms is silence."""
    size = round(_FRAME_SECONDS * sample_rate)
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    power = np.square(frames.astype(np.float64)).mean(axis=1)
    levels = 10 * np.log10(np.maximum(power, _FLOOR))
    loud = float(np.quantile(levels, _LOUD_QUANTILE))
    return np.asarray(levels < max(loud - _QUIET_DB, _QUIET_ALWAYS_DB))


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(start, end) of each run of true flags."""
    changes = np.flatnonzero(np.diff(np.concatenate(([0], flags.view(np.int8), [0]))))
    return [(int(start), int(end)) for start, end in changes.reshape(-1, 2)]
