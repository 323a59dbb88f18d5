from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from speechlstm.decoding.goodness import goodness
from speechlstm.decoding.likelihood import text_log_prob
from speechlstm.errors import InfeasibleTargetError


def likelihoods(probs: NDArray[np.float64]) -> dict[tuple[int, ...], float]:
    """The probability of each text, by all paths."""
    found: dict[tuple[int, ...], float] = {}
    for path in product(range(probs.shape[1]), repeat=len(probs)):
        text = tuple(
            label for i, label in enumerate(path) if label and (i == 0 or label != path[i - 1])
        )
        probability = float(np.prod([row[label] for row, label in zip(probs, path, strict=True)]))
        found[text] = found.get(text, 0.0) + probability
    return found


@pytest.mark.parametrize(
    "text", [(1,), (1, 2), (2, 2), (1, 2, 1), (1, 1, 2), (3, 1, 3), (1, 2, 3, 1)]
)
def test_probabilities_are_those_of_all_texts_that_differ_in_one_place(
    text: tuple[int, ...],
) -> None:
    generator = np.random.default_rng(sum(text))
    for num_frames in (5, 6):
        probs = generator.dirichlet(np.full(4, 0.5), num_frames)
        known = likelihoods(probs)
        log_probs = np.log(probs).astype(np.float32)
        found = goodness(log_probs, text)
        assert np.exp(text_log_prob(log_probs, text)) == pytest.approx(known[text], rel=1e-4)
        for place in range(len(text)):
            others = [
                known.get((*text[:place], *kept, *text[place + 1 :]), 0.0)
                for kept in ((), (1,), (2,), (3,))
            ]
            expected = np.array(others) / sum(others)
            assert found[place] == pytest.approx(expected, rel=1e-3, abs=1e-5)


def test_a_text_needs_frames() -> None:
    with pytest.raises(InfeasibleTargetError, match="text needs 3 frames, audio has 2"):
        goodness(np.log(np.full((2, 3), 1 / 3)).astype(np.float32), [1, 1])
    assert text_log_prob(np.log(np.full((2, 3), 1 / 3)).astype(np.float32), [1, 1]) == -np.inf
