import numpy as np
import pytest

from speechlstm.decoding.prior import Prior
from speechlstm.errors import ConfigError


def log_distributions(seed: int, num_frames: int) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(size=(num_frames, 4))
    return np.float32(logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))


def test_is_the_mean_over_frames_not_utterances() -> None:
    utterances = [log_distributions(seed, num_frames) for seed, num_frames in ((1, 2), (2, 7))]
    expected = (2 * np.exp(utterances[0]).mean(axis=0) + 7 * np.exp(utterances[1]).mean(axis=0)) / 9
    assert np.exp(Prior.estimate(utterances).log_probs) == pytest.approx(expected, rel=1e-5)


def test_a_label_that_never_occurs_has_a_prior() -> None:
    with np.errstate(divide="ignore"):
        prior = Prior.estimate([np.log(np.float32([[1, 0], [1, 0]]))])
    assert -14 < prior.log_probs[1] < -13


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_odds_are_divided_by_those_of_the_prior(weight: float) -> None:
    log_probs, prior = log_distributions(3, 5), Prior.estimate([log_distributions(4, 5)])
    found = prior.discount(log_probs, weight)
    assert found.dtype == np.float32
    assert np.exp(found).sum(axis=1) == pytest.approx(1, rel=1e-6)
    odds = np.diff(log_probs, axis=1) - weight * np.diff(prior.log_probs)
    assert np.diff(found, axis=1) == pytest.approx(odds, abs=1e-5)


def test_what_is_no_distribution_is_refused() -> None:
    for log_probs in ([-0.1, -0.1], [0.0, 0.0], []):
        with pytest.raises(ConfigError, match=r"prior\.log_probs: must be logarithms of"):
            Prior.from_dict({"log_probs": log_probs})
    with pytest.raises(ConfigError, match=r"prior\.log_probs"):
        Prior.from_dict({"log_probs": "ab"})
