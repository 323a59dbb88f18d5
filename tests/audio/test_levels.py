from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from speechlstm.audio import Audio, levels, split
from speechlstm.audio.levels import level_changes

RATE = 16000


def syllables(seconds: float, decibels: float = -20.0, seed: int = 1) -> NDArray[np.float32]:
    """Bursts of noise whose level varies by some decibels, with pauses like those of speech."""
    generator = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    rate = 3.5
    envelope = np.sin(np.pi * rate * time) ** 2 * 10 ** (
        generator.normal(0, 3, int(seconds * rate) + 2)[(time * rate).astype(int)] / 20
    )
    for start in np.arange(1.7, seconds, 2.3):  # pauses of 0.4 s
        envelope[(time >= start) & (time < start + 0.4)] = 0
    samples = generator.normal(size=len(time)) * envelope + generator.normal(0, 1e-3, len(time))
    return (10 ** (decibels / 20) * samples).astype(np.float32)


def rung(seconds: float) -> NDArray[np.float32]:
    time = np.arange(round(seconds * RATE)) / RATE
    both = np.sin(2 * np.pi * 440 * time) + np.sin(2 * np.pi * 480 * time)
    return (0.45 * both).astype(np.float32)


PAUSE = np.zeros(4000, np.float32)


@pytest.mark.parametrize("seconds", [1, 5, 19.5])
@pytest.mark.parametrize("decibels", [-60, -20])
def test_ordinary_speech_is_not_cut(seconds: float, decibels: float) -> None:
    for seed in range(5):
        assert level_changes(syllables(seconds, decibels, seed), RATE) == []


def test_speech_that_grows_slowly_louder_is_not_cut() -> None:
    samples = syllables(15) * np.geomspace(0.3, 1, 15 * RATE).astype(np.float32)
    assert level_changes(samples, RATE) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (syllables(5), syllables(4, -42)),
        (syllables(4, -42), syllables(5)),
        (syllables(5), syllables(4, -60)),
        (rung(2), syllables(5, -50)),
        (syllables(5, -50), rung(2)),
        (rung(0.8), syllables(5, -50)),
        (syllables(5, -40), np.zeros(3 * RATE, np.float32)),
        (np.full(3 * RATE, 0.4, np.float32), syllables(5, -40)),
    ],
    ids=["-22 dB", "22 dB", "-40 dB", "ring", "ring at the end", "beep", "silence", "an offset"],
)
def test_is_cut_where_the_level_changes(
    first: NDArray[np.float32], second: NDArray[np.float32]
) -> None:
    (cut,) = level_changes(np.concatenate((first, PAUSE, second)), RATE)
    assert len(first) - 0.1 * RATE <= cut <= len(first) + len(PAUSE) + 0.1 * RATE


def test_a_loud_event_is_cut_out() -> None:
    quiet = syllables(4, -50)
    samples = np.concatenate((quiet, PAUSE, rung(1.5), PAUSE, quiet))
    first, second = level_changes(samples, RATE)
    assert first / RATE == pytest.approx(4.125, abs=0.225)
    assert second / RATE == pytest.approx(5.875, abs=0.225)


@pytest.mark.parametrize("num_samples", [1, 800, 1600, 3199, 3200, 5000])
def test_short_and_silent_recordings_are_not_cut(num_samples: int) -> None:
    assert level_changes(np.zeros(num_samples, np.float32), RATE) == []
    assert level_changes(syllables(1)[:num_samples], RATE) == []


def test_segments_together_are_the_recording() -> None:
    samples = np.concatenate((syllables(30), rung(3), syllables(8, -50), syllables(9)))
    pieces = list(split(Audio(samples, RATE)))
    assert len(pieces) >= 5
    assert np.array_equal(np.concatenate([audio.samples for _, audio in pieces]), samples)
    starts = np.cumsum([0, *(audio.duration for _, audio in pieces[:-1])])
    assert [start for start, _ in pieces] == pytest.approx(starts)


@pytest.mark.slow
def test_parts_are_those_of_least_cost() -> None:
    """All ways to cut ten values."""
    generator = np.random.default_rng(2)
    for _ in range(20):
        values = generator.normal(0, 60, 10)

        def cost(starts: tuple[int, ...], values: NDArray[np.float64] = values) -> float:
            parts = np.split(values, starts)
            errors = sum(float(np.square(part - part.mean()).sum()) for part in parts)
            return errors + levels._PART_COST * len(parts)

        ways = [way for n in range(10) for way in combinations(range(1, 10), n)]
        assert cost(tuple(levels._parts(values))) == pytest.approx(min(map(cost, ways)))
