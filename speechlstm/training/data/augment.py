"""Augmentation: what may happen to speech on its way to a microphone, and SpecAugment.

What happens to an utterance follows from (seed, epoch, utterance) alone, whatever the batch, the
process or the order: a run that resumes hears what the uninterrupted one would have heard.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from speechlstm.config import AugmentConfig, FeatureConfig
from speechlstm.corpora.manifest import Manifest
from speechlstm.errors import TrainingError
from speechlstm.training.data.pcm_cache import PCMCache, open_cache

LONGEST_TIME_MASK = 1 / 5  # of an utterance: more would mask whole short words
TIME_MASK_SECONDS = 0.8  # of speech for each time mask beyond the first
FIRST_ECHO_SECONDS = 0.002  # behind the direct sound: a wall or table 35 cm off
DIRECT_DB = (0.0, 12.0)  # level of the direct sound above the echo: across a room .. near
TELEPHONE_RATE = 8000
MU = 255  # of mu-law, in ITU-T G.711


def draw_speed(seed: int, epoch: int, utterance_id: str, speeds: Sequence[float]) -> float:
    """The speed of an utterance in an epoch, at less cost: an epoch's batches need all of them."""
    return speeds[_digest(seed, epoch, utterance_id) % len(speeds)]


def utterance_generator(seed: int, epoch: int, utterance_id: str) -> np.random.Generator:
    """The other random numbers of an utterance in an epoch, the same in every process."""
    key = _digest(seed, epoch, utterance_id) >> 128  # Philox takes 128 bits; the speed is in others
    return np.random.Generator(np.random.Philox(key=key))


def _digest(seed: int, epoch: int, utterance_id: str) -> int:
    key = f"{seed} {epoch} {utterance_id}".encode(errors="surrogatepass")
    return int.from_bytes(hashlib.sha256(key).digest())


@dataclass(frozen=True)
class Augmentation:
    """What happens to the waveform of an utterance in an epoch, in this order.

    Attributes:
        speed: How many times as fast it is played.
        room_seconds: Reverberation time of the room; None: none.
        snr_db: Level of the speech above the noise; None: no noise.
        telephone: Whether it goes through a telephone.
        gain_db: How much louder it becomes.
    """

    speed: float
    room_seconds: float | None
    snr_db: float | None
    telephone: bool
    gain_db: float

    def __str__(self) -> str:
        parts = [f"speed {self.speed:g}"]
        if self.room_seconds is not None:
            parts.append(f"room {self.room_seconds:.2f} s")
        if self.snr_db is not None:
            parts.append(f"noise at {self.snr_db:.1f} dB")
        if self.telephone:
            parts.append("telephone")
        return ", ".join([*parts, f"gain {self.gain_db:+.1f} dB"])


def draw_augmentation(
    generator: np.random.Generator, speed: float, config: AugmentConfig
) -> Augmentation:
    """What happens to an utterance, but for its masks."""

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
    """The utterance as the network is to hear it: int(num_samples / speed + 0.5) samples.

    Args:
        samples: (num_samples,) in [-1, 1].
        sample_rate: Of samples and noise.
        augmentation: What is to happen.
        noise: Recordings of noise; not None where the augmentation asks for noise.
        generator: Draws the room's echoes and which noise it is.
    """
    samples = change_speed(samples, augmentation.speed)
    if augmentation.room_seconds is not None:
        response = draw_room(generator, augmentation.room_seconds, sample_rate)
        samples = convolve(samples, response)
    if augmentation.snr_db is not None and noise is not None:
        place = int(generator.integers(noise.total))
        samples = add_noise(samples, noise.loop_from(place, len(samples)), augmentation.snr_db)
    if augmentation.telephone:
        samples = through_telephone(samples, sample_rate)
    return change_gain(samples, augmentation.gain_db)


def load_noise(
    config: AugmentConfig, sample_rate: int, cache_folder: Path, progress: bool = False
) -> PCMCache | None:
    """The recordings of the noise manifests; None if none is named or none is ever used.

    Raises:
        ManifestError: A manifest cannot be read.
        TrainingError: No recording can.
    """
    if not (config.noise and config.noise_probability):
        return None
    manifests = [Manifest(Path(path)) for path in config.noise]
    recordings = [manifest.audio_path(u) for manifest in manifests for u in manifest]
    cache = open_cache(recordings, sample_rate, cache_folder, progress)
    if not cache.total:
        raise TrainingError(f"augmentation.noise: no usable recording: {cache.failures[0]}")
    return cache


def change_speed(samples: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    """Samples (num_samples,) played factor times as fast: int(num_samples / factor + 0.5) of them.

    Pitch and formants move along (Ko et al., Audio augmentation for speech recognition, 2015).
    """
    if factor == 1:
        return samples
    return np.asarray(soxr.resample(samples, factor, 1.0), np.float32)


def draw_room(
    generator: np.random.Generator, seconds: float, sample_rate: int
) -> NDArray[np.float32]:
    """The impulse response of a room: the direct sound, 1 at sample 0, and noise that dies away.

    Late echoes are so many and so dense that only their energy's decay is left of the room's shape
    (Polack's model; Moorer, About this reverberation business, 1979).

    Args:
        generator: Draws the echoes, and their level from DIRECT_DB.
        seconds: Reverberation time: until the echo has fallen by 60 dB; the response's length.
        sample_rate: Samples a second.
    """
    time = np.arange(int(seconds * sample_rate)) / sample_rate
    echo = generator.standard_normal(len(time)) * 10 ** (-3 * time / seconds)
    echo[time < FIRST_ECHO_SECONDS] = 0
    echo *= 10 ** (-generator.uniform(*DIRECT_DB) / 20) / np.linalg.norm(echo)
    echo[0] = 1
    return echo.astype(np.float32)


def convolve(samples: NDArray[np.float32], response: NDArray[np.float32]) -> NDArray[np.float32]:
    """Samples (num_samples,) through a filter, without the echo that rings on after them."""
    size = 1 << (len(samples) + len(response) - 2).bit_length()
    spectrum = np.fft.rfft(samples, size) * np.fft.rfft(response, size)
    return np.fft.irfft(spectrum, size)[: len(samples)].astype(np.float32)


def add_noise(
    samples: NDArray[np.float32], noise: NDArray[np.float32], snr_db: float
) -> NDArray[np.float32]:
    """Samples (num_samples,) and noise (num_samples,), its mean power made snr_db below theirs.

    Where either is silence, the samples stay as they are.
    """
    power, noise_power = (np.mean(np.square(x, dtype=np.float64)) for x in (samples, noise))
    if noise_power == 0:
        return samples
    return samples + noise * np.float32(np.sqrt(power / noise_power * 10 ** (-snr_db / 10)))


def through_telephone(samples: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
    """Samples (num_samples,) as a telephone carries them: 300 to 3400 Hz, 8 bit of mu-law."""
    narrow = soxr.resample(samples, sample_rate, TELEPHONE_RATE)
    frequencies = np.fft.rfftfreq(len(narrow), 1 / TELEPHONE_RATE)
    band = np.interp(frequencies, [200, 300, 3400, 3600], [0, 1, 1, 0])
    narrow = np.clip(np.fft.irfft(np.fft.rfft(narrow) * band, len(narrow)), -1, 1)
    levels = np.round(127 * np.sign(narrow) * np.log1p(MU * np.abs(narrow)) / np.log1p(MU)) / 127
    narrow = np.sign(levels) * np.expm1(np.abs(levels) * np.log1p(MU)) / MU
    wide = soxr.resample(narrow, TELEPHONE_RATE, sample_rate)[: len(samples)]
    return np.pad(wide, (0, len(samples) - len(wide))).astype(np.float32)  # off by one, by rounding


def change_gain(samples: NDArray[np.float32], decibels: float) -> NDArray[np.float32]:
    """Samples (num_samples,) made louder by decibels; nothing is clipped to [-1, 1]."""
    return samples * np.float32(10 ** (decibels / 20))


def draw_masks(
    generator: np.random.Generator,
    num_frames: int,
    features: FeatureConfig,
    config: AugmentConfig,
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """SpecAugment's masks for one utterance (Park et al., https://arxiv.org/abs/1904.08779).

    Widths are uniform from 0 to the longest allowed, starts uniform over where the mask fits. Long
    utterances get all time masks, short ones fewer (Park et al., SpecAugment on large scale
    datasets, https://arxiv.org/abs/1912.05533): the others' width is 0.

    Args:
        generator: Where the numbers come from.
        num_frames: Feature frames of the utterance.
        features: Frame rate and number of mel filters.
        config: How many masks, and their largest extents.

    Returns:
        (config.time_masks, 2), start and width in frames, and (config.frequency_masks, 2),
        start and width in mel filters.
    """
    longest = int(min(config.time_mask_ms / features.hop_ms, num_frames * LONGEST_TIME_MASK))
    widest = min(config.frequency_mask_mels, features.num_mels)
    time_masks = _draw_spans(generator, config.time_masks, num_frames, longest)
    seconds = num_frames * features.hop_ms / 1000
    time_masks[max(1, int(seconds / TIME_MASK_SECONDS)) :, 1] = 0
    return (
        time_masks,
        _draw_spans(generator, config.frequency_masks, features.num_mels, widest),
    )


def _draw_spans(
    generator: np.random.Generator, num_spans: int, size: int, longest: int
) -> NDArray[np.int32]:
    widths = generator.integers(0, longest, num_spans, endpoint=True)
    starts = generator.integers(0, size - widths, endpoint=True)
    return np.stack([starts, widths], axis=1).astype(np.int32)
