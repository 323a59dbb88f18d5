from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from speechlstm.config import AugmentConfig
from speechlstm.corpora.manifest import Utterance, write_manifest
from speechlstm.errors import ManifestError, TrainingError
from speechlstm.training.data.augment import (
    Augmentation,
    draw_augmentation,
    draw_mixture,
    draw_speed,
    load_noise,
    utterance_generator,
)
from speechlstm.training.data.pcm_cache import PCMCache


def test_the_generator_is_the_same_in_every_process() -> None:
    # Drawn once and written down: Python's hash(), salted anew each time, would not give these.
    drawn = utterance_generator(1, 2, "1089-0003").random(2)
    np.testing.assert_allclose(drawn, [0.586267144851348, 0.9910798410753976], rtol=1e-12)


@pytest.mark.parametrize("other", [(2, 2, "a"), (1, 3, "a"), (1, 2, "b"), (2, 1, "a")])
def test_the_generator_differs_by_seed_epoch_and_utterance(other: tuple[int, int, str]) -> None:
    assert utterance_generator(1, 2, "a").random() != utterance_generator(*other).random()


def test_speeds_are_drawn_alike_and_anew_each_epoch() -> None:
    speeds = (0.9, 1.0, 1.1)
    drawn = [[draw_speed(1, epoch, f"{k}", speeds) for k in range(3000)] for epoch in (0, 1)]
    for epoch in drawn:
        assert all(900 < count < 1100 for count in Counter(epoch).values())
    same = sum(first == second for first, second in zip(*drawn, strict=True))
    assert 900 < same < 1100  # as many as by chance
    assert drawn[0][:6] == [1.1, 1.0, 0.9, 1.0, 1.1, 1.0]  # in every process


def test_draws_as_often_and_as_far_as_asked_for() -> None:
    config = AugmentConfig(
        room_probability=0.2,
        room_seconds=(0.3, 0.4),
        noise=("noise.jsonl",),
        noise_probability=0.7,
        noise_snr_db=(5, 10),
        telephone_probability=0.5,
        gain_db=3,
    )
    drawn = [draw_augmentation(utterance_generator(1, 1, f"{k}"), 1, config) for k in range(3000)]
    for values, low, high, share in (
        ([a.room_seconds for a in drawn], 0.3, 0.4, 0.2),
        ([a.snr_db for a in drawn], 5, 10, 0.7),
        ([a.telephone or None for a in drawn], 1, 1, 0.5),
        ([a.gain_db for a in drawn], -3, 3, 1),
    ):
        happened = [value for value in values if value is not None]
        assert len(happened) / len(drawn) == pytest.approx(share, abs=0.03)
        assert low <= min(happened) <= low + 0.01 * (high - low)
        assert high - 0.01 * (high - low) <= max(happened) <= high


@pytest.mark.parametrize("noise", [(), ("noise.jsonl",)])
def test_what_is_switched_off_never_happens(noise: tuple[str, ...]) -> None:
    config = AugmentConfig(noise=noise, noise_probability=0 if noise else 1, gain_db=0)
    for k in range(300):
        drawn = draw_augmentation(utterance_generator(1, 1, f"{k}"), 1.1, config)
        assert drawn == Augmentation(1.1, None, None, False, 0)


def speech(num_samples: int, seed: int = 1) -> NDArray[np.float32]:
    """White noise that comes and goes."""
    swell = 0.1 * np.sin(np.arange(num_samples) / 2000)
    return (swell * np.random.default_rng(seed).normal(size=num_samples)).astype(np.float32)


def augmented(
    clean: NDArray[np.float32], augmentation: Augmentation, noise: PCMCache | None, seed: int = 1
) -> NDArray[np.float32]:
    generator = np.random.default_rng(seed)
    return draw_mixture(clean, 16000, augmentation, noise, generator).mixed()


ALL = Augmentation(speed=1.0, room_seconds=0.2, snr_db=10, telephone=True, gain_db=6)


@pytest.fixture
def noisy(tmp_path: Path) -> AugmentConfig:
    """Settings with noise from a manifest of two recordings."""
    for k in (1, 2):
        soundfile.write(tmp_path / f"{k}.wav", speech(4000 * k, seed=k), 8000)
    write_manifest(tmp_path / "n.jsonl", [Utterance(f"{k}", f"{k}.wav", k / 2) for k in (1, 2)])
    return AugmentConfig(noise=(str(tmp_path / "n.jsonl"),))


def test_the_same_numbers_give_the_same_sound(noisy: AugmentConfig, tmp_path: Path) -> None:
    noise = load_noise(noisy, 16000, tmp_path / "cache")
    clean = speech(9001)
    heard = [augmented(clean, ALL, noise, seed) for seed in (1, 1, 2)]
    assert len(heard[0]) == 9001
    np.testing.assert_array_equal(heard[0], heard[1])
    assert not np.array_equal(heard[0], heard[2])


@pytest.mark.parametrize(
    "without", [{"room_seconds": None}, {"snr_db": None}, {"telephone": False}, {"gain_db": 0}]
)
def test_each_can_be_heard(
    noisy: AugmentConfig, tmp_path: Path, without: dict[str, float | None]
) -> None:
    noise = load_noise(noisy, 16000, tmp_path / "cache")
    clean = speech(9000)
    heard = augmented(clean, ALL, noise)
    lacking = augmented(clean, replace(ALL, **without), noise)  # type: ignore[arg-type]
    assert np.abs(heard - lacking).max() > 0.01


def test_noise_comes_from_its_manifests(noisy: AugmentConfig, tmp_path: Path) -> None:
    cache = load_noise(noisy, 16000, tmp_path / "cache")
    assert cache is not None
    assert cache.num_samples == (8000, 16000)
    assert load_noise(replace(noisy, noise_probability=0), 16000, tmp_path / "cache") is None
    assert load_noise(AugmentConfig(), 16000, tmp_path / "cache") is None


def test_missing_noise_is_named(noisy: AugmentConfig, tmp_path: Path) -> None:
    for k in (1, 2):
        (tmp_path / f"{k}.wav").write_text("no recording")
    with pytest.raises(
        TrainingError,
        match=r"noise: no recording can be decoded, the first: .*1\.wav: cannot be dec",
    ):
        load_noise(noisy, 16000, tmp_path / "cache")
    (tmp_path / "n.jsonl").unlink()
    with pytest.raises(ManifestError, match=r"n\.jsonl: cannot be read"):
        load_noise(noisy, 16000, tmp_path / "cache")
