import numpy as np
import pytest
from numpy.typing import NDArray

from speechlstm.training.data.effects import (
    add_noise,
    change_speed,
    convolve,
    draw_room,
    gain_factor,
    through_telephone,
)


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
    np.testing.assert_allclose(gain_factor(np.array([20.0, -20.0, 0.0])), [10, 0.1, 1])


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


@pytest.mark.parametrize("num_samples", [1, 1500, 2497, 2498, 30000])  # less and more than a block
def test_a_room_delays_nothing(num_samples: int) -> None:
    clean, room = speech(num_samples), draw_room(np.random.default_rng(1), 0.1, 16000)
    heard = convolve(clean, room)
    assert heard.dtype == np.float32
    np.testing.assert_allclose(heard, np.convolve(clean, room)[:num_samples], atol=1e-6)


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
