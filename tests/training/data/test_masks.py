import numpy as np
import pytest

from speechlstm.config import AugmentConfig, FeatureConfig
from speechlstm.training.data.masks import draw_masks

FEATURES = FeatureConfig()
AUGMENTATION = AugmentConfig(
    time_masks=3, time_mask_ms=300, frequency_masks=2, frequency_mask_mels=8
)


@pytest.mark.parametrize("num_frames", [1, 4, 5, 60, 200])
def test_masks_fit_the_utterance(num_frames: int) -> None:
    generator = np.random.default_rng(1)
    drawn = [draw_masks(generator, num_frames, FEATURES, AUGMENTATION) for _ in range(500)]
    time_masks, frequency_masks = (np.stack(masks) for masks in zip(*drawn, strict=True))
    assert time_masks.shape == (500, 3, 2)
    assert frequency_masks.shape == (500, 2, 2)
    assert time_masks.dtype == frequency_masks.dtype == np.int32
    for masks, size, longest in (
        (time_masks, num_frames, min(30, num_frames // 5)),  # 300 ms at 10 ms a frame
        (frequency_masks, 40, 8),
    ):
        starts, widths = masks[..., 0], masks[..., 1]
        assert widths.min() == 0
        assert widths.max() == longest
        assert starts.min() == 0
        assert (starts + widths).max() == size


def test_masks_are_as_many_as_asked_for() -> None:
    none = AugmentConfig(time_masks=0, frequency_masks=0)
    time_masks, frequency_masks = draw_masks(np.random.default_rng(1), 100, FEATURES, none)
    assert time_masks.shape == frequency_masks.shape == (0, 2)


@pytest.mark.parametrize(("seconds", "most"), [(0.5, 1), (1.5, 1), (2.5, 3), (4.1, 5), (20, 6)])
def test_short_utterances_get_fewer_time_masks(seconds: float, most: int) -> None:
    generator, config = np.random.default_rng(1), AugmentConfig(time_masks=6)
    drawn = [draw_masks(generator, int(100 * seconds), FEATURES, config)[0] for _ in range(100)]
    assert max(np.count_nonzero(masks[:, 1]) for masks in drawn) == most
