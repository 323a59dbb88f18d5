import numpy as np
import pytest

from speechlstm.decoding.prior import BASE_FRAMES, EQUAL_FRAMES, Prior
from speechlstm.errors import ConfigError


def log_distributions(seed: int, num_frames: int) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(size=(num_frames, 4))
    return np.float32(logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))


@pytest.mark.slow
def test_many_frames_have_their_mean_as_prior() -> None:
    """Over frames, not utterances."""
    utterances = [log_distributions(seed, number) for seed, number in ((1, 200_000), (2, 900_000))]
    expected = np.exp(np.concatenate(utterances)).mean(axis=0)
    for base in (None, Prior.from_dict({"log_probs": np.log([0.7, 0.1, 0.1, 0.1]).tolist()})):
        found = np.exp(Prior.estimate(utterances, base).log_probs)
        assert found == pytest.approx(expected, rel=0.05)


def test_few_frames_change_little_of_what_is_assumed_before() -> None:
    """The mean of a Dirichlet distribution: counts are added to pseudo-counts."""
    with np.errstate(divide="ignore"):
        one_label = np.log(np.float32([[0.5, 0.5, 0, 0]] * 1000))
    base = Prior.from_dict({"log_probs": np.log([0.4, 0.1, 0.2, 0.3]).tolist()})
    shares = np.exp(Prior.estimate([one_label], base).log_probs)
    expected = (
        1000 * np.array([0.5, 0.5, 0, 0]) + BASE_FRAMES * np.array([0.4, 0.1, 0.2, 0.3])
    ) / (1000 + BASE_FRAMES)
    assert shares == pytest.approx(expected, rel=1e-4)
    shares = np.exp(Prior.estimate([one_label]).log_probs)
    assert shares[0] == pytest.approx(0.5)
    assert shares[2] == shares[3] == pytest.approx(EQUAL_FRAMES * 0.5 / 3 / (1000 + EQUAL_FRAMES))


def test_a_label_that_never_occurs_has_a_prior() -> None:
    base = Prior.from_dict({"log_probs": [0.0, -30.0]})
    with np.errstate(divide="ignore"):
        prior = Prior.estimate([np.log(np.float32([[1, 0], [1, 0]]))], base)
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
