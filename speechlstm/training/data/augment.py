"""Data augmentation of waveforms: what is drawn for an utterance in an epoch.

The augmentation of an utterance depends on (seed, epoch, utterance) only, not on the batch, the
process or the order: a resumed run trains on the same data as an uninterrupted one.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from speechlstm.config import AugmentConfig
from speechlstm.corpora.manifest import Manifest
from speechlstm.errors import TrainingError
from speechlstm.training.data.effects import (
    add_noise,
    change_speed,
    convolve,
    draw_room,
    gain_factor,
    through_telephone,
)
from speechlstm.training.data.pcm_cache import PCMCache, open_cache


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
        speed: The speed, as `draw_speed` returned it.
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


@dataclass(frozen=True)
class Mixture:
    """What a waveform is made of once everything random is drawn; the rest is arithmetic.

    Attributes:
        speech: (num_samples,) float32.
        response: The impulse response of the room, (num_response_samples,) float32; None: no room.
        noise: (num_samples,) float32; None: no noise.
        snr_db: Level of the speech above the noise, in dB.
        gain_db: Gain in dB, last.
    """

    speech: NDArray[np.float32]
    response: NDArray[np.float32] | None = None
    noise: NDArray[np.float32] | None = None
    snr_db: float = 0.0
    gain_db: float = 0.0

    def mixed(self) -> NDArray[np.float32]:
        """The waveform: (num_samples,) float32; it is not clipped to [-1, 1]."""
        samples = self.speech
        if self.response is not None:
            samples = convolve(samples, self.response)
        if self.noise is not None:
            samples = add_noise(samples, self.noise, self.snr_db)
        return samples * np.float32(gain_factor(self.gain_db))


def draw_mixture(
    speech: NDArray[np.float32],
    sample_rate: int,
    augmentation: Augmentation,
    noise: PCMCache | None,
    generator: np.random.Generator,
) -> Mixture:
    """Draw what a waveform is mixed of.

    Args:
        speech: (num_samples,) in [-1, 1], at the speed of the augmentation.
        sample_rate: Samples a second, of `speech` and of `noise`.
        noise: Recordings of noise; not None if `augmentation.snr_db` is not None.
        generator: Draws the echoes of the room and the place in the noise.
    """
    mixture = Mixture(speech, gain_db=augmentation.gain_db)
    if augmentation.room_seconds is not None:
        response = draw_room(generator, augmentation.room_seconds, sample_rate)
        mixture = replace(mixture, response=response)
    if augmentation.snr_db is not None and noise is not None:
        added = noise.loop_from(int(generator.integers(noise.total)), len(speech))
        mixture = replace(mixture, noise=added, snr_db=augmentation.snr_db)
    if augmentation.telephone:  # not arithmetic alone: it is resampled
        sent = replace(mixture, gain_db=0.0).mixed()
        mixture = Mixture(through_telephone(sent, sample_rate), gain_db=augmentation.gain_db)
    return mixture


def augmented(
    samples: NDArray[np.float32],
    sample_rate: int,
    config: AugmentConfig,
    seed: int,
    epoch: int,
    utterance_id: str,
) -> tuple[NDArray[np.float32], Augmentation]:
    """Augment a waveform as training does in an epoch, except for the masks.

    Returns:
        The waveform, of another length if its speed is not 1, and what was done to it.

    Raises:
        ManifestError: A manifest of noise cannot be read.
        TrainingError: No recording of noise can be decoded.
    """
    generator = utterance_generator(seed, epoch, utterance_id)
    speed = draw_speed(seed, epoch, utterance_id, config.speeds)
    augmentation = draw_augmentation(generator, speed, config)
    with TemporaryDirectory() as folder:
        has_noise = augmentation.snr_db is not None
        noise = load_noise(config, sample_rate, Path(folder)) if has_noise else None
        speech = change_speed(samples, speed)
        mixture = draw_mixture(speech, sample_rate, augmentation, noise, generator)
    return mixture.mixed(), augmentation


def load_noise(
    config: AugmentConfig, sample_rate: int, cache_folder: Path, progress: bool = False
) -> PCMCache | None:
    """Decode the recordings of the noise manifests; None if no noise is configured.

    Args:
        config: The manifests, and the probability of noise.
        sample_rate: Samples a second of the decoded noise.
        cache_folder: The folder for decoded recordings; created if it is missing.

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
