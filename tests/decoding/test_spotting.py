from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from speechlstm.decoding.alignment import align
from speechlstm.decoding.spotting import Spotter
from speechlstm.text.targets import min_steps


def log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float32]:
    return (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))).astype(np.float32)


def frames(labels: str, posterior: float = 0.9) -> NDArray[np.float32]:
    """Log-probabilities whose frames each emit a label, or a blank for 0."""
    probs = np.full((len(labels), 6), (1 - posterior) / 5)
    probs[np.arange(len(labels)), list(map(int, labels))] = posterior
    return np.log(probs).astype(np.float32)


def least_gap(log_probs: NDArray[np.float32], labels: list[int]) -> float:
    """Of the best path of the labels in any stretch of frames, by forced alignment of each."""
    gaps = log_probs.max(axis=1, keepdims=True) - log_probs
    found = []
    for start, stop in product(range(len(gaps)), range(1, len(gaps) + 1)):
        if stop - start >= min_steps(labels):
            path = np.zeros(stop - start, int)
            for label, span in zip(labels, align(log_probs[start:stop], labels), strict=True):
                path[slice(*span)] = label
            found.append(gaps[np.arange(start, stop), path].sum())
    return min(found, default=np.inf)


@pytest.mark.slow
@given(
    st.lists(st.lists(st.integers(1, 3), min_size=1, max_size=4), min_size=1, max_size=4),
    st.integers(0, 7),
    st.integers(0, 2**32),
)
def test_the_best_spot_of_a_phrase_is_that_of_exhaustive_search(
    phrases: list[list[int]], num_frames: int, seed: int
) -> None:
    log_probs = log_softmax(3 * np.random.default_rng(seed).normal(size=(num_frames, 4)))
    spots = Spotter(phrases, [2.0 * len(labels) for labels in phrases]).spots(log_probs)
    for i, labels in enumerate(phrases):
        expected = least_gap(log_probs, labels)
        found = min((s.gap for s in spots if s.phrase == i), default=np.inf)
        if abs(expected - 2.0 * len(labels)) > 1e-3:
            limited = expected if expected < 2.0 * len(labels) else np.inf
            assert found == pytest.approx(limited, abs=1e-4)
    for spot in spots:
        assert 0 <= spot.start < spot.stop <= num_frames


def test_every_place_of_a_phrase_is_found() -> None:
    spots = Spotter([[1, 2], [2, 2], [4]], [1, 1, 0.5]).spots(frames("0112200120120220"))
    assert [(s.phrase, s.start, s.stop) for s in spots] == [
        (0, 1, 4),
        (0, 7, 9),
        (0, 10, 12),
        (1, 11, 14),
    ]


def test_a_phrase_begins_where_its_first_label_may() -> None:
    log_probs = frames("0330420")
    log_probs[1] = frames("0")[0]
    log_probs[1, 3] = log_probs[1, 0] - 0.1  # a blank, or as likely the label
    (spot,) = Spotter([[3, 4]], [1]).spots(log_probs)
    assert (spot.start, spot.stop) == (1, 5)
    assert spot.gap == 0
