import numpy as np

from speechlstm.streaming.loudness import Loudness

RATE = 16000


def quiet_seconds(loudness: Loudness, samples: np.ndarray) -> float:
    for start in range(0, len(samples) - loudness.window + 1, loudness.window):
        loudness.add(samples[start : start + loudness.window].astype(np.float32))
    return loudness.quiet_seconds


def noise(seconds: float, level: float, seed: int = 0) -> np.ndarray:
    return level * np.random.default_rng(seed).normal(size=round(seconds * RATE))


def test_pauses_are_quiet_at_any_level() -> None:
    for gain in (1e-3, 1e-2, 0.1, 1.0):
        loudness = Loudness(RATE)
        quiet_seconds(loudness, gain * noise(1.5, 0.01))
        assert quiet_seconds(loudness, gain * noise(0.9, 0.2)) == 0.0
        assert abs(quiet_seconds(loudness, gain * noise(0.6, 0.01)) - 0.6) < 0.031


def test_digital_silence_is_quiet_and_noise_after_it_is_not() -> None:
    loudness = Loudness(RATE)
    assert abs(quiet_seconds(loudness, np.zeros(3 * RATE)) - 3.0) < 0.031
    assert quiet_seconds(loudness, noise(0.6, 0.01)) == 0.0


def test_steady_noise_becomes_the_background() -> None:
    loudness = Loudness(RATE)
    quiet_seconds(loudness, np.zeros(3 * RATE))
    assert quiet_seconds(loudness, noise(15, 0.05)) > 3.0


def test_a_constant_offset_is_quiet() -> None:
    loudness = Loudness(RATE)
    assert quiet_seconds(loudness, np.full(RATE, 0.5)) > 0.9
