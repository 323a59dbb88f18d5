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
    add_noise,
    augment,
    change_gain,
    change_speed,
    convolve,
    draw_augmentation,
    draw_room,
    draw_speed,
    load_noise,
    through_telephone,
    utterance_generator,
)


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


def speech(num_samples: int, seed: int = 1) -> NDArray[np.float32]:
    """White noise that comes and goes."""
    swell = 0.1 * np.sin(np.arange(num_samples) / 2000)
    return (swell * np.random.default_rng(seed).normal(size=num_samples)).astype(np.float32)


@pytest.mark.parametrize("snr_db", [-5.0, 0.0, 17.5])
def test_noise_is_as_far_below_the_speech_as_asked_for(snr_db: float) -> None:
    clean, noise = speech(16000), 7 * speech(16000, seed=2)
    heard = add_noise(clean, noise, snr_db)
    assert heard.dtype == np.float32
    added = heard - clean
    snr = 10 * np.log10(np.sum(clean.astype(float) ** 2) / np.sum(added.astype(float) ** 2))
    assert snr == pytest.approx(snr_db, abs=0.01)
    assert np.corrcoef(added, noise)[0, 1] == pytest.approx(1, abs=1e-4)


def test_silence_has_no_level_to_be_above_or_below() -> None:
    clean, silence = speech(1000), np.zeros(1000, np.float32)
    np.testing.assert_array_equal(add_noise(clean, silence, 10), clean)
    np.testing.assert_array_equal(add_noise(silence, clean, 10), silence)


@pytest.mark.parametrize("seconds", [0.2, 0.8])
@pytest.mark.parametrize("sample_rate", [8000, 16000])
def test_a_room_dies_away_in_its_reverberation_time(seconds: float, sample_rate: int) -> None:
    room = draw_room(np.random.default_rng(1), seconds, sample_rate)
    assert room[0] == 1
    assert not room[1 : sample_rate // 500].any()  # 2 ms
    # ISO 3382-1: energy integrated from the end on, its slope from -5 to -25 dB, drawn out to 60.
    decay = 10 * np.log10(np.cumsum(room[:0:-1].astype(float) ** 2)[::-1])
    decay -= decay[0]
    used = np.flatnonzero((decay < -5) & (decay > -25))
    slope = np.polyfit(used / sample_rate, decay[used], 1)[0]
    assert -60 / slope == pytest.approx(seconds, rel=0.1)


def test_direct_sound_is_above_the_echo() -> None:
    rooms = [draw_room(np.random.default_rng(k), 0.3, 8000) for k in range(300)]
    levels = [-10 * np.log10(np.sum(room[1:].astype(float) ** 2)) for room in rooms]
    assert 0 <= min(levels) < 0.2
    assert 11.8 < max(levels) < 12.001


def test_a_room_delays_nothing() -> None:
    clean, room = speech(3000), draw_room(np.random.default_rng(1), 0.1, 16000)
    heard = convolve(clean, room)
    assert heard.dtype == np.float32
    np.testing.assert_allclose(heard, np.convolve(clean, room)[:3000], atol=1e-6)


@pytest.mark.parametrize("sample_rate", [8000, 11025, 16000, 44100])
@pytest.mark.parametrize("num_samples", [801, 20000])
def test_a_telephone_keeps_length_and_place(sample_rate: int, num_samples: int) -> None:
    time = np.arange(num_samples) / sample_rate
    tone = (0.5 * np.sin(2 * np.pi * 1000 * time)).astype(np.float32)
    heard = through_telephone(tone, sample_rate)
    assert heard.dtype == np.float32
    assert heard.shape == tone.shape
    middle = slice(num_samples // 4, num_samples * 3 // 4)
    np.testing.assert_allclose(heard[middle], tone[middle], atol=0.03)


def test_a_telephone_has_a_narrow_band() -> None:
    white = np.random.default_rng(1).normal(0, 0.1, 160000).astype(np.float32)
    before, after = (np.abs(np.fft.rfft(x)) ** 2 for x in (white, through_telephone(white, 16000)))
    hertz = np.fft.rfftfreq(160000, 1 / 16000)

    def change_db(low: float, high: float) -> float:
        band = (hertz >= low) & (hertz < high)
        return float(10 * np.log10(after[band].sum() / before[band].sum()))

    for low in range(300, 3300, 500):
        assert change_db(low, low + 500) == pytest.approx(0, abs=0.2)
    assert change_db(0, 200) < -30  # what is left is the steps' noise
    assert change_db(3600, 4000) < -30
    assert change_db(4200, 8000) < -60


@pytest.mark.parametrize("level_db", [-3, -20, -40])
def test_mu_law_is_as_fine_for_soft_as_for_loud(level_db: float) -> None:
    # G.711 keeps noise about 38 dB below a tone, loud or soft; even steps would lose 37 dB of it.
    tone = 10 ** (level_db / 20) * np.sin(2 * np.pi * 1007 * np.arange(16000) / 8000)
    noise = (through_telephone(tone.astype(np.float32), 8000) - tone)[4000:12000]
    snr = 10 * np.log10(np.sum(tone[4000:12000] ** 2) / np.sum(noise**2))
    assert 30 < snr < 43


ALL = Augmentation(speed=0.9, room_seconds=0.2, snr_db=10, telephone=True, gain_db=6)


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
    heard = [augment(clean, 16000, ALL, noise, np.random.default_rng(k)) for k in (1, 1, 2)]
    assert len(heard[0]) == int(9001 / 0.9 + 0.5)
    np.testing.assert_array_equal(heard[0], heard[1])
    assert not np.array_equal(heard[0], heard[2])


@pytest.mark.parametrize(
    "without",
    [
        {"speed": 1.0},
        {"room_seconds": None},
        {"snr_db": None},
        {"telephone": False},
        {"gain_db": 0},
    ],
)
def test_each_can_be_heard(
    noisy: AugmentConfig, tmp_path: Path, without: dict[str, float | None]
) -> None:
    noise = load_noise(noisy, 16000, tmp_path / "cache")
    clean = speech(9000)
    heard, lacking = (
        augment(clean, 16000, augmentation, noise, np.random.default_rng(1))
        for augmentation in (ALL, replace(ALL, **without))  # type: ignore[arg-type]
    )
    assert heard.shape != lacking.shape or np.abs(heard - lacking).max() > 0.01


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
