"""SpecAugment's masks over the mel spectrogram; the MFCC layer applies them."""

import numpy as np
from numpy.typing import NDArray

from speechlstm.config import AugmentConfig, FeatureConfig

LONGEST_TIME_MASK = 1 / 5  # fraction of an utterance: a longer one could mask whole words
TIME_MASK_SECONDS = 0.8  # seconds of an utterance for each time mask after the first


def draw_masks(
    generator: np.random.Generator, num_frames: int, features: FeatureConfig, config: AugmentConfig
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Draw SpecAugment's masks for an utterance (Park et al., https://arxiv.org/abs/1904.08779).

    Widths are uniform from 0 to the largest allowed width, starts uniform over all places where the
    mask fits. The number of time masks grows with the length of the utterance, up to
    `config.time_masks` (Park et al., SpecAugment on large scale datasets,
    https://arxiv.org/abs/1912.05533); the remaining ones have width 0.

    Args:
        num_frames: Number of feature frames of the utterance.
        features: Frame rate and number of mel filters.
        config: Number of masks and their largest widths.

    Returns:
        time_masks: (config.time_masks, 2) int32, start and width in frames.
        frequency_masks: (config.frequency_masks, 2) int32, start and width in mel filters.

    >>> time_masks, frequency_masks = draw_masks(
    ...     np.random.default_rng(1), 100, FeatureConfig(), AugmentConfig()
    ... )
    >>> time_masks.shape, frequency_masks.shape
    ((2, 2), (2, 2))
    """
    longest = int(min(config.time_mask_ms / features.hop_ms, num_frames * LONGEST_TIME_MASK))
    widest = min(config.frequency_mask_mels, features.num_mels)
    time_masks = _draw_spans(generator, config.time_masks, num_frames, longest)
    seconds = num_frames * features.hop_ms / 1000
    time_masks[max(1, int(seconds / TIME_MASK_SECONDS)) :, 1] = 0
    return (time_masks, _draw_spans(generator, config.frequency_masks, features.num_mels, widest))


def _draw_spans(
    generator: np.random.Generator, num_spans: int, size: int, longest: int
) -> NDArray[np.int32]:
    widths = generator.integers(0, longest, num_spans, endpoint=True)
    starts = generator.integers(0, size - widths, endpoint=True)
    spans = np.empty((num_spans, 2), np.int32)
    spans[:, 0], spans[:, 1] = starts, widths
    return spans
