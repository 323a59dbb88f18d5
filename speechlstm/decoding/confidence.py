"""Confidences: their calibration, and the calibration error."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from speechlstm.config import Config

NUM_BINS = 10
_PRIOR = 1e-2  # weak regularisation towards no change, for when all scores are the same
_CLOSEST = 1e-6  # to 0 and 1, whose log-odds are infinite


@dataclass(frozen=True)
class Calibration(Config):
    """A monotonic map from confidences to probabilities: sigmoid(slope * log-odds + intercept).

    Platt, "Probabilistic outputs for support vector machines", 1999, applied to log-odds.

    >>> Calibration(slope=1.0, intercept=0.0)(0.75)
    0.75

    Attributes:
        slope: At least 0; 1 keeps differences of log-odds.
        intercept: Above 0 if words are correct more often than their confidences say.
    """

    section: ClassVar[str] = "calibration"

    slope: float = 1.0
    intercept: float = 0.0

    def _check(self) -> None:
        self._at_least(0, "slope")

    def __call__(self, confidence: float) -> float:
        """The probability, 0..1, that a word with this confidence is correct."""
        return float(_sigmoid(self.slope * _log_odds([confidence])[0] + self.intercept))


def fit_calibration(confidences: Sequence[float], correct: Sequence[bool]) -> Calibration:
    """The maximum-likelihood calibration for words that are known to be correct or not.

    >>> calibration = fit_calibration([0.9, 0.9, 0.9, 0.9], [True, True, True, False])
    >>> calibration(0.9) < 0.9
    True

    Args:
        confidences: The confidence of each word, 0..1.
        correct: Whether each word is correct.

    Returns:
        The calibration. It changes nothing if all words are correct or all wrong, or if confident
        words are wrong more often than others.
    """
    is_correct = np.asarray(correct, float)
    num_correct, num_wrong = is_correct.sum(), (1 - is_correct).sum()
    if not num_correct or not num_wrong:
        return Calibration()
    # Platt's targets, which are not 0 and 1, avoid overfitting.
    targets = np.where(is_correct > 0, (num_correct + 1) / (num_correct + 2), 1 / (num_wrong + 2))
    inputs = np.stack([_log_odds(confidences), np.ones(len(is_correct))], axis=1)
    unchanged = np.array([1.0, 0.0])
    weights = unchanged
    for _ in range(200):  # Newton's method; steps are limited because the curvature may be tiny
        probabilities = _sigmoid(inputs @ weights)
        gradient = inputs.T @ (probabilities - targets) + _PRIOR * (weights - unchanged)
        spread = probabilities * (1 - probabilities)
        curvature = (inputs * spread[:, np.newaxis]).T @ inputs + _PRIOR * np.eye(2)
        step = np.linalg.solve(curvature, gradient).clip(-0.5, 0.5)
        weights = weights - step
        if np.abs(step).max() < 1e-6:
            break
    slope, intercept = weights.tolist()
    return Calibration(slope, intercept) if slope > 0 else Calibration()


def calibration_error(confidences: Sequence[float], correct: Sequence[bool]) -> float:
    """Expected calibration error: how far words' confidences are from the share of correct words.

    Words are put into NUM_BINS equal bins of confidence ([0, 0.1), ..., [0.9, 1]). The result is
    the mean over all words of |mean confidence - share of correct words| in their bin. Guo et al.,
    "On calibration of modern neural networks", ICML 2017, equation 3.

    >>> calibration_error([0.5, 0.5], [True, False])
    0.0

    Args:
        confidences: The confidence of each word, 0..1.
        correct: Whether each word is correct.

    Returns:
        0..1; 0 is perfect, and also the result if there is no word.
    """
    scores = np.asarray(confidences, float)
    bins = np.minimum((scores * NUM_BINS).astype(int), NUM_BINS - 1)
    surplus = np.bincount(bins, scores - np.asarray(correct, float), NUM_BINS)
    return float(np.abs(surplus).sum() / max(len(scores), 1))


def _log_odds(confidences: Sequence[float]) -> NDArray[np.float64]:
    clipped = np.asarray(confidences, np.float64).clip(_CLOSEST, 1 - _CLOSEST)
    odds: NDArray[np.float64] = clipped / (1 - clipped)
    return np.log(odds)


def _sigmoid(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    halves: NDArray[np.float64] = np.tanh(log_odds / 2)  # unlike exp, it does not overflow
    return (1 + halves) / 2
