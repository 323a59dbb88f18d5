import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechlstm.decoding.confidence import Calibration, calibration_error, fit_calibration
from speechlstm.errors import ConfigError


def words(calibration: Calibration, num_words: int) -> tuple[list[float], list[bool]]:
    """Words whose chance to be right is what the calibration makes of their confidence."""
    generator = np.random.default_rng(5)
    confidences = generator.uniform(size=num_words).tolist()
    chances = [calibration(c) for c in confidences]
    return confidences, (generator.uniform(size=num_words) < chances).tolist()


@pytest.mark.parametrize("true", [Calibration(), Calibration(0.5, -1), Calibration(2, 1)])
def test_finds_the_calibration_that_words_were_drawn_by(true: Calibration) -> None:
    confidences, correct = words(true, 5000)
    found = fit_calibration(confidences, correct)
    assert (found.slope, found.intercept) == pytest.approx((true.slope, true.intercept), abs=0.15)
    after = calibration_error([found(c) for c in confidences], correct)
    assert after < 0.025  # that of 500 words a bin that are right by chance
    assert after <= calibration_error(confidences, correct) + 0.005


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=50))
def test_any_words_give_a_map_that_never_falls(words: list[tuple[float, bool]]) -> None:
    calibration = fit_calibration(*zip(*words, strict=True))
    mapped = [calibration(c) for c in np.linspace(0, 1, 20)]
    assert mapped == sorted(mapped)
    assert 0 <= mapped[0] <= mapped[-1] <= 1


@pytest.mark.parametrize("correct", [[True, True], [False, False], [True, False]])
def test_without_evidence_nothing_is_changed(correct: list[bool]) -> None:
    assert fit_calibration([0.2, 0.9], correct) == Calibration()
    assert Calibration()(0.3) == pytest.approx(0.3)


def test_error_is_the_words_mean_gap_between_confidence_and_share_of_right_ones() -> None:
    confidences = [0.95, 0.91, 1.0, 0.15, 0.15]
    correct = [True, True, False, False, True]
    # The first three are right in 2/3 at a mean of 0.9533, the last two in 1/2 at 0.15.
    expected = (3 * (2.86 / 3 - 2 / 3) + 2 * (0.5 - 0.15)) / 5
    assert calibration_error(confidences, correct) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("confidences", "correct", "expected"),
    [
        ([1.0], [True], 0),
        ([0.0], [False], 0),
        ([1.0], [False], 1),
        ([0.6, 0.6], [True, False], 0.1),
    ],
)
def test_error_of_few_words(confidences: list[float], correct: list[bool], expected: float) -> None:
    assert calibration_error(confidences, correct) == pytest.approx(expected)


def test_a_map_that_falls_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"calibration\.slope"):
        Calibration(-1)
