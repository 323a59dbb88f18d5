"""Data augmentation of waveforms: speed, room, noise, telephone, gain.

The augmentation of an utterance depends on (seed, epoch, utterance) only, not on the batch, the
process or the order: a resumed run trains on the same data as an uninterrupted one.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from speechlstm.config import AugmentConfig
from speechlstm.corpora.manifest import Manifest
from speechlstm.errors import TrainingError
from speechlstm.training.data.pcm_cache import PCMCache, open_cache

FIRST_ECHO_SECONDS = 0.002  # delay after the direct sound: a wall or table 35 cm away
DIRECT_DB = (0.0, 12.0)  # level of the direct sound above the echo: far speaker .. near speaker
TELEPHONE_RATE = 8000  # samples a second
MU = 255  # parameter of mu-law, in ITU-T G.711


def draw_speed(seed: int, epoch: int, utterance_id: str, speeds: Sequence[float]) -> float:
    """Draw the speed of an utterance in an epoch.

    This is faster than a random generator for each utterance: to form the batches of an epoch, the
    speeds of all utterances are needed.

    >>> draw_speed(1, 0, "date", (0.9, 1.0, 1.1))
    0.9
    """
    return speeds[_digest(seed, epoch, utterance_id) % len(speeds)]


def utterance_generator(seed: int, epoch: int, utterance_id: str) -> np.random.Generator:
    """Return a generator of the other random numbers of an utterance in an epoch."""
    key = _digest(seed, epoch, utterance_id) >> 128  # Philox takes 128 bits; the speed uses others
    return np.random.Generator(np.random.Philox(key=key))


def _digest(seed: int, epoch: int, utterance_id: str) -> int:
    key = f"{seed} {epoch} {utterance_id}".encode(errors="surrogatepass")
    return int.from_bytes(hashlib.sha256(key).digest())


@dataclass(frozen=True)
class Augmentation:
    """The augmentations of a waveform, applied in this order.

    Attributes:
        speed: Factor by which the utterance is played faster.
        room_seconds: Reverberation time of the room; None: no room.
        snr_db: Level of the speech above the noise, in dB; None: no noise.
        telephone: Whether a telephone line is simulated.
        gain_db: Gain in dB.

    >>> print(Augmentation(1.1, None, 12.0, True, -3.0))
    speed 1.1, noise at 12.0 dB, telephone, gain -3.0 dB
    """

    speed: float
    room_seconds: float | None
    snr_db: float | None
    telephone: bool
    gain_db: float

    def __str__(self) -> str:
        items = [f"speed {self.speed:g}"]
        if self.room_seconds is not None:
            items.append(f"room {self.room_seconds:.2f} s")
        if self.snr_db is not None:
            items.append(f"noise at {self.snr_db:.1f} dB")
        if self.telephone:
            items.append("telephone")
        return ", ".join([*items, f"gain {self.gain_db:+.1f} dB"])


def draw_augmentation(
    generator: np.random.Generator, speed: float, config: AugmentConfig
) -> Augmentation:
    """Draw the augmentations of an utterance, except for its masks.

    Args:
        generator: The source of the random numbers.
        speed: The speed, as `draw_speed` returned it.
        config: Probabilities and ranges.
    """

    def happens(probability: float) -> bool:
        return bool(generator.random() < probability)

    room = happens(config.room_probability)
    noise = bool(config.noise) and happens(config.noise_probability)
    return Augmentation(
        speed,
        generator.uniform(*config.room_seconds) if room else None,
        generator.uniform(*config.noise_snr_db) if noise else None,
        happens(config.telephone_probability),
        generator.uniform(-config.gain_db, config.gain_db),
    )


def augment(
    samples: NDArray[np.float32],
    sample_rate: int,
    augmentation: Augmentation,
    noise: PCMCache | None,
    generator: np.random.Generator,
) -> NDArray[np.float32]:
    """Augment a waveform.

    Args:
        samples: (num_samples,) in [-1, 1].
        sample_rate: Samples a second, of `samples` and of `noise`.
        augmentation: The augmentations to apply.
        noise: Recordings of noise; not None if `augmentation.snr_db` is not None.
        generator: Draws the echoes of the room and the place in the noise.

    Returns:
        (int(num_samples / speed + 0.5),) float32.
    """
    samples = change_speed(samples, augmentation.speed)
    if augmentation.room_seconds is not None:
        response = draw_room(generator, augmentation.room_seconds, sample_rate)
        samples = convolve(samples, response)
    if augmentation.snr_db is not None and noise is not None:
        position = int(generator.integers(noise.total))
        samples = add_noise(samples, noise.loop_from(position, len(samples)), augmentation.snr_db)
    if augmentation.telephone:
        samples = through_telephone(samples, sample_rate)
    return change_gain(samples, augmentation.gain_db)


def load_noise(
    config: AugmentConfig, sample_rate: int, cache_folder: Path, progress: bool = False
) -> PCMCache | None:
    """Decode the recordings of the noise manifests; None if no noise is configured.

    Args:
        config: The manifests, and the probability of noise.
        sample_rate: Samples a second of the decoded noise.
        cache_folder: The folder for decoded recordings; created if it is missing.
        progress: Whether to show a progress bar on stderr.

    Raises:
        ManifestError: A manifest cannot be read.
        TrainingError: No recording of the manifests can be decoded.
    """
    if not (config.noise and config.noise_probability):
        return None
    manifests = [Manifest(Path(path)) for path in config.noise]
    recordings = [manifest.recording(u) for manifest in manifests for u in manifest]
    cache = open_cache(recordings, sample_rate, cache_folder, progress)
    if not cache.total:
        raise TrainingError(
            f"augmentation.noise: no recording can be decoded, the first: {cache.failures[0]}"
        )
    return cache


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
        sample_rate: Samples a second.

    Returns:
        (int(seconds * sample_rate),) float32; 1 at sample 0.

    >>> draw_room(np.random.default_rng(1), 0.3, 16000).shape
    (4800,)
    """
    time = np.arange(int(seconds * sample_rate)) / sample_rate
    echo = generator.standard_normal(len(time)) * 10 ** (-3 * time / seconds)
    echo[time < FIRST_ECHO_SECONDS] = 0
    echo *= 10 ** (-generator.uniform(*DIRECT_DB) / 20) / np.linalg.norm(echo)
    echo[0] = 1
    return echo.astype(np.float32)


def convolve(samples: NDArray[np.float32], response: NDArray[np.float32]) -> NDArray[np.float32]:
    """Filter a waveform (num_samples,) by an impulse response; the result has the same length."""
    size = 1 << (len(samples) + len(response) - 2).bit_length()
    spectrum = np.fft.rfft(samples, size) * np.fft.rfft(response, size)
    return np.fft.irfft(spectrum, size)[: len(samples)].astype(np.float32)


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
    power, noise_power = (np.mean(np.square(x, dtype=np.float64)) for x in (samples, noise))
    if noise_power == 0:
        return samples
    return samples + noise * np.float32(np.sqrt(power / noise_power * 10 ** (-snr_db / 10)))


def through_telephone(samples: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
    """Simulate a telephone line: 300 to 3400 Hz, quantized to 8-bit mu-law.

    Args:
        samples: (num_samples,) in [-1, 1].
        sample_rate: Samples a second.

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


def change_gain(samples: NDArray[np.float32], decibels: float) -> NDArray[np.float32]:
    """Amplify a waveform (num_samples,) by a gain in dB; the result is not clipped to [-1, 1]."""
    return samples * np.float32(10 ** (decibels / 20))
