import numpy as np
import pytest

from speechlstm.config import AugmentConfig, FeatureConfig
from speechlstm.training.augment import (
    change_gain,
    change_speed,
    draw_masks,
    utterance_generator,
)

FEATURES = FeatureConfig()
AUGMENTATION = AugmentConfig(
    time_masks=3, time_mask_ms=300, frequency_masks=2, frequency_mask_mels=8
)


def test_the_generator_is_the_same_in_every_process() -> None:
    # Drawn once and written down: Python's hash(), salted anew each time, would not give these.
    drawn = utterance_generator(1, 2, "1089-0003").random(2)
    np.testing.assert_allclose(drawn, [0.586267144851348, 0.9910798410753976], rtol=1e-12)


@pytest.mark.parametrize("other", [(2, 2, "a"), (1, 3, "a"), (1, 2, "b"), (2, 1, "a")])
def test_the_generator_differs_by_seed_epoch_and_utterance(other: tuple[int, int, str]) -> None:
    assert utterance_generator(1, 2, "a").random() != utterance_generator(*other).random()


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


@pytest.mark.parametrize("factor", [0.9, 1.1, 1.25])
def test_speed_moves_length_and_pitch(factor: float) -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000).astype(np.float32)
    changed = change_speed(tone, factor)
    assert changed.dtype == np.float32
    assert len(changed) == round(16000 / factor)
    # The strongest frequency, to the width of one bin.
    spectrum = np.abs(np.fft.rfft(changed * np.hanning(len(changed))))
    bin_hz = 16000 / len(changed)
    assert spectrum.argmax() * bin_hz == pytest.approx(1000 * factor, abs=bin_hz)
    assert np.abs(changed[2000:-2000]).max() == pytest.approx(1, abs=0.01)


def test_speed_1_changes_nothing() -> None:
    samples = np.random.default_rng(1).normal(size=100).astype(np.float32)
    np.testing.assert_array_equal(change_speed(samples, 1.0), samples)


def test_gain_is_in_decibels() -> None:
    samples = np.array([0.5, -0.25], np.float32)
    louder = change_gain(samples, 20.0)
    assert louder.dtype == np.float32
    np.testing.assert_allclose(louder, [5, -2.5])
    np.testing.assert_allclose(change_gain(louder, -20.0), samples)
