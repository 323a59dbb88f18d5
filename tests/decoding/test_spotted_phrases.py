import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechlstm.decoding.fusion import NO_WORD
from speechlstm.decoding.spotted_phrases import log_prob_of, words_ended


def collapsed(path: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(label for label, _ in itertools.groupby(path) if label)


@given(
    st.integers(1, 6), st.lists(st.integers(1, 2), min_size=1, max_size=4), st.integers(0, 2**32)
)
def test_a_phrases_log_prob_is_that_of_all_paths_that_end_in_it(
    num_frames: int, labels: list[int], seed: int
) -> None:
    probs = np.random.default_rng(seed).dirichlet([0.5] * 3, num_frames)
    expected = sum(
        np.prod(probs[np.arange(num_frames), path])
        for path in itertools.product(range(3), repeat=num_frames)
        if collapsed(path) == tuple(labels) and path[-1] == labels[-1]
    )
    with np.errstate(divide="ignore"):
        found = log_prob_of(np.log(probs).astype(np.float32), labels)
        assert found == pytest.approx(np.log(expected), abs=1e-4)


def test_words_end_before_the_next_or_at_their_boundary() -> None:
    labels = [(3, 4), (5,)]
    assert words_ended(labels, -2, 0) == ((3, 4, 5), (NO_WORD, NO_WORD, -2), -3)
    assert words_ended(labels, -2, 1) == (
        (3, 4, 1, 5, 1),
        (NO_WORD, NO_WORD, -2, NO_WORD, -3),
        NO_WORD,
    )
