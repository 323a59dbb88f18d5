import itertools
from collections import defaultdict

import numpy as np
import pytest
from numpy.typing import NDArray

from speechlstm.decoding.scoring import ctc_log_probs


def random_log_probs(num_frames: int, num_labels: int, seed: int = 0) -> NDArray[np.float32]:
    logits = np.random.default_rng(seed).normal(0, 2, (num_frames, num_labels))
    return (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))).astype(np.float32)


def all_texts(log_probs: NDArray[np.float32]) -> dict[tuple[int, ...], float]:
    """Probability of each text: every path is walked."""
    probs: defaultdict[tuple[int, ...], float] = defaultdict(float)
    num_frames, num_labels = log_probs.shape
    for path in itertools.product(range(num_labels), repeat=num_frames):
        text = tuple(label for label, _ in itertools.groupby(path) if label)
        probs[text] += float(
            np.exp(sum(row[label] for row, label in zip(log_probs, path, strict=True)))
        )
    return probs


@pytest.mark.parametrize(("num_frames", "num_labels"), [(6, 3), (5, 4), (1, 3)])
def test_sums_over_all_paths(num_frames: int, num_labels: int) -> None:
    log_probs = random_log_probs(num_frames, num_labels)
    expected = all_texts(log_probs)
    assert sum(expected.values()) == pytest.approx(1)
    found = ctc_log_probs(log_probs, list(expected))
    np.testing.assert_allclose(found, np.log(list(expected.values())), rtol=1e-5)


def test_a_text_too_long_is_impossible() -> None:
    found = ctc_log_probs(random_log_probs(3, 3), [(1, 1), (1, 1, 2), (1, 2, 1, 2), ()])
    assert np.isfinite(found).tolist() == [True, False, False, True]


def test_no_frame_says_nothing_alone() -> None:
    assert ctc_log_probs(random_log_probs(0, 3), [(), (1,)]).tolist() == [0, -np.inf]
    assert ctc_log_probs(random_log_probs(2, 3), []).shape == (0,)


def test_long_recordings_do_not_underflow() -> None:
    log_probs = random_log_probs(2000, 4)
    text = tuple(k % 3 + 1 for k in range(500))
    alone = ctc_log_probs(log_probs, [text])
    assert -6000 < alone[0] < -1000
    np.testing.assert_allclose(ctc_log_probs(log_probs, [(1,), text, ()])[1], alone[0])
