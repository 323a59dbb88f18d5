"""Effects on waveforms: speed, room, noise, telephone, gain."""

from typing import Any

import numpy as np
import scipy.fft
import soxr
from numpy.typing import NDArray

FIRST_ECHO_SECONDS = 0.002  # delay after the direct sound: a wall or table 35 cm away
DIRECT_DB = (0.0, 12.0)  # level of the direct sound above the echo: far speaker .. near speaker
TELEPHONE_RATE = 8000  # samples a second
MU = 255  # parameter of mu-law, in ITU-T G.711


def change_speed(samples: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    """Play a waveform faster by resampling, which shifts pitch and formants, too.

    Ko et al., Audio augmentation for speech recognition, Interspeech 2015.

    Args:
        samples: (num_samples,).
        factor: The factor of the speed: 1.1 is 10 % faster.

    Returns:
        (int(num_samples / factor + 0.5),) float32.

    >>> len(change_speed(np.zeros(1600, np.float32), 0.8))
    2000
    """
    if factor == 1:
        return samples
    return np.asarray(soxr.resample(samples, factor, 1.0), np.float32)


def draw_room(
    generator: np.random.Generator, seconds: float, sample_rate: int
) -> NDArray[np.float32]:
    """Draw the impulse response of a room: the direct sound, then exponentially decaying noise.

    Late echoes are so dense that all that remains of the shape of the room is the decay of their
    energy (Polack's model; Moorer, About this reverberation business, 1979).

    Args:
        generator: Draws the echoes, and their level from DIRECT_DB.
        seconds: Reverberation time, in which the echoes decay by 60 dB.

    Returns:
        (int(seconds * sample_rate),) float32; 1 at sample 0.

    >>> draw_room(np.random.default_rng(1), 0.3, 16000).shape
    (4800,)
    """
    time = np.arange(int(seconds * sample_rate)) / sample_rate
    echo = generator.standard_normal(len(time)) * np.exp(-3 * np.log(10) * time / seconds)
    echo[time < FIRST_ECHO_SECONDS] = 0
    echo *= gain_factor(-generator.uniform(*DIRECT_DB)) / np.sqrt(np.einsum("i,i", echo, echo))
    echo[0] = 1
    response: NDArray[np.float32] = echo.astype(np.float32)
    return response


def convolve(samples: NDArray[np.float32], response: NDArray[np.float32]) -> NDArray[np.float32]:
    """Filter a waveform by an impulse response, in blocks whose products fit into the cache.

    Args:
        samples: (num_samples,).
        response: (num_response_samples,).

    Returns:
        (num_samples,) float32.

    >>> convolve(np.array([1, 0, 2], np.float32), np.array([1, 0.5], np.float32))
    array([1. , 0.5, 2. ], dtype=float32)
    """
    size = block_size(len(response))
    hop = size - len(response) + 1
    blocks = np.zeros((-(-len(samples) // hop), hop), np.float32)
    blocks.reshape(-1)[: len(samples)] = samples
    spectra = scipy.fft.rfft(blocks, size)
    spectra *= scipy.fft.rfft(response, size)
    filtered = scipy.fft.irfft(spectra, size, overwrite_x=True)
    filtered[1:, : size - hop] += filtered[:-1, hop:]
    result: NDArray[np.float32] = filtered[:, :hop].reshape(-1)[: len(samples)]
    return result


def block_size(num_response_samples: int) -> int:
    """The size of the Fourier transforms of convolve: a power of two, twice as long or longer."""
    return 1 << (2 * num_response_samples - 1).bit_length()


def add_noise(
    samples: NDArray[np.float32], noise: NDArray[np.float32], snr_db: float
) -> NDArray[np.float32]:
    """Add noise at a signal-to-noise ratio.

    Args:
        samples: (num_samples,).
        noise: (num_samples,); scaled so that its mean power is `snr_db` below that of `samples`.
        snr_db: Signal-to-noise ratio in dB.

    Returns:
        (num_samples,) float32; `samples` unchanged if either waveform is digital silence.

    >>> add_noise(np.ones(2, np.float32), np.array([1, -1], np.float32), 20.0)
    array([1.1, 0.9], dtype=float32)
    """
    power, noise_power = (np.einsum("i,i", x, x) for x in (samples, noise))
    if noise_power == 0:
        return samples
    mixed = noise * np.float32(noise_factor(power, noise_power, snr_db))
    mixed += samples
    return mixed


def noise_factor(power: Any, noise_power: Any, snr_db: Any) -> Any:
    """The factor of a noise of a power that brings it `snr_db` below a power; of arrays, too."""
    return (power / noise_power * 10 ** (-snr_db / 10)) ** 0.5


def through_telephone(samples: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
    """Simulate a telephone line: 300 to 3400 Hz, quantized to 8-bit mu-law.

    Args:
        samples: (num_samples,) in [-1, 1].

    Returns:
        (num_samples,) float32, at the same sample rate.
    """
    narrow = soxr.resample(samples, sample_rate, TELEPHONE_RATE)
    frequencies = np.fft.rfftfreq(len(narrow), 1 / TELEPHONE_RATE)
    band = np.interp(frequencies, [200, 300, 3400, 3600], [0, 1, 1, 0])
    narrow = np.clip(np.fft.irfft(np.fft.rfft(narrow) * band, len(narrow)), -1, 1)
    levels = np.round(127 * np.sign(narrow) * np.log1p(MU * np.abs(narrow)) / np.log1p(MU)) / 127
    narrow = np.sign(levels) * np.expm1(np.abs(levels) * np.log1p(MU)) / MU
    wide = soxr.resample(narrow, TELEPHONE_RATE, sample_rate)[: len(samples)]
    # Resampling twice rounds the length: it may be one sample short.
    return np.pad(wide, (0, len(samples) - len(wide))).astype(np.float32)


def gain_factor(decibels: Any) -> Any:
    """The factor of the amplitude of a gain in dB; of arrays, too.

    >>> gain_factor(20.0)
    10.0
    """
    return 10 ** (decibels / 20)
