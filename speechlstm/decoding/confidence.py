"""How sure a word is: from a score to a probability, and how far the probabilities are off."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from speechlstm.config import Config

NUM_BINS = 10
_PRIOR = 1e-2  # that nothing need be changed: decides only where all scores are the same
_CLOSEST = 1e-6  # to 0 and 1: their log-odds are infinite


@dataclass(frozen=True)
class Calibration(Config):
    """A map from 0..1 to 0..1 that never falls: log-odds become slope * log-odds + intercept.

    Platt, "Probabilistic outputs for support vector machines", 1999, on log-odds.

    Attributes:
        slope: At least 0; 1 leaves differences as they are.
        intercept: Above 0 where words are right more often than their scores say.
    """

    section: ClassVar[str] = "calibration"

    slope: float = 1.0
    intercept: float = 0.0

    def _check(self) -> None:
        self._at_least(0, "slope")

    def __call__(self, confidence: float) -> float:
        """The share of words of this confidence, 0..1, that are expected to be right."""
        return float(_sigmoid(self.slope * _log_odds([confidence])[0] + self.intercept))


def fit_calibration(confidences: Sequence[float], correct: Sequence[bool]) -> Calibration:
    """The calibration under which the words that are right are likeliest.

    Args:
        confidences: 0..1, of each word.
        correct: Whether it was said.

    Returns:
        The calibration; the one that changes nothing where all words are right, or all wrong, or
        where sure words are wrong more often than unsure ones.
    """
    right = np.asarray(correct, float)
    num_right, num_wrong = right.sum(), (1 - right).sum()
    if not num_right or not num_wrong:
        return Calibration()
    # Platt's targets: what is right in a sample is not right for certain elsewhere.
    targets = np.where(right > 0, (num_right + 1) / (num_right + 2), 1 / (num_wrong + 2))
    inputs = np.stack([_log_odds(confidences), np.ones(len(right))], axis=1)
    unchanged = np.array([1.0, 0.0])
    weights = unchanged
    for _ in range(200):  # Newton's method, in small steps: where all are sure it would leap
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
    """Expected calibration error: how far words' confidences are from the share that is right.

    Words are put into NUM_BINS equal bins of confidence ([0, 0.1), ..., [0.9, 1]); the result is
    the mean over all words of |mean confidence - share of right words| in their bin. Guo et al.,
    "On calibration of modern neural networks", ICML 2017, equation 3.

    Args:
        confidences: 0..1, of each word.
        correct: Whether it was said.

    Returns:
        0..1; 0 is perfect, or there is no word.
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
    halves: NDArray[np.float64] = np.tanh(log_odds / 2)  # unlike exp, never overflows
    return (1 + halves) / 2
