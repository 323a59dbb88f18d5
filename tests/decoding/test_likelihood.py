from itertools import product

import numpy as np
import pytest

from speechlstm.decoding.likelihood import text_log_prob


def collapsed(path: tuple[int, ...]) -> list[int]:
    return [b for a, b in zip((0, *path), path, strict=False) if b not in (0, a)]


@pytest.mark.parametrize("labels", [[], [1], [1, 2], [1, 1], [2, 1, 2]])
def test_the_probability_of_a_text_is_that_of_all_its_paths(labels: list[int]) -> None:
    probabilities = np.random.default_rng(3).dirichlet(np.ones(3), 5)
    expected = sum(
        np.prod(probabilities[range(5), path])
        for path in product(range(3), repeat=5)
        if collapsed(path) == labels
    )
    found = text_log_prob(np.log(probabilities).astype(np.float32), labels)
    assert np.exp(found) == pytest.approx(expected, rel=1e-5)


def test_a_text_that_does_not_fit_has_probability_0() -> None:
    log_probs = np.log(np.full((3, 2), 0.5, np.float32))
    assert text_log_prob(log_probs, [1, 1, 1]) == -np.inf
