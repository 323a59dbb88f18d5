"""Augmentation: each a pure function, drawn from a generator that depends on nothing else.

What happens to an utterance follows from (seed, epoch, utterance) alone, whatever the batch, the
process or the order: a run that resumes sees what the uninterrupted one would have seen.
"""

import hashlib

import numpy as np
import soxr
from numpy.typing import NDArray

from speechlstm.config import AugmentConfig, FeatureConfig

LONGEST_TIME_MASK = 1 / 5  # of an utterance: more would mask whole short words


def utterance_generator(seed: int, epoch: int, utterance_id: str) -> np.random.Generator:
    """The random numbers of an utterance in an epoch, the same in every process."""
    digest = hashlib.sha256(utterance_id.encode()).digest()
    entropy = (seed, epoch, int.from_bytes(digest))
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(entropy)))


def draw_masks(
    generator: np.random.Generator,
    num_frames: int,
    features: FeatureConfig,
    config: AugmentConfig,
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """SpecAugment's masks for one utterance (Park et al., https://arxiv.org/abs/1904.08779).

    Widths are uniform from 0 to the longest allowed, starts uniform over where the mask fits.

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
    return (
        _draw_spans(generator, config.time_masks, num_frames, longest),
        _draw_spans(generator, config.frequency_masks, features.num_mels, widest),
    )


def _draw_spans(
    generator: np.random.Generator, num_spans: int, size: int, longest: int
) -> NDArray[np.int32]:
    widths = generator.integers(0, longest, num_spans, endpoint=True)
    starts = generator.integers(0, size - widths, endpoint=True)
    return np.stack([starts, widths], axis=1).astype(np.int32)


def change_speed(samples: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    """Samples (num_samples,) played factor times as fast: int(num_samples / factor + 0.5) of them.

    Pitch and formants move along (Ko et al., Audio augmentation for speech recognition, 2015).
    """
    if factor == 1:
        return samples
    return np.asarray(soxr.resample(samples, factor, 1.0), np.float32)


def change_gain(samples: NDArray[np.float32], decibels: float) -> NDArray[np.float32]:
    """Samples (num_samples,) made louder by decibels; nothing is clipped to [-1, 1]."""
    return samples * np.float32(10 ** (decibels / 20))
