from collections.abc import Sequence
from itertools import groupby, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from speechlstm.decoding import alignment
from speechlstm.decoding.alignment import align, aligned_hypothesis
from speechlstm.decoding.log_probs import LOG_ZERO
from speechlstm.errors import InfeasibleTargetError


def log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float32]:
    return (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))).astype(np.float32)


def collapsed(path: Sequence[int]) -> tuple[int, ...]:
    return tuple(label for label, _ in groupby(path) if label)


def best_path_log_prob(log_probs: NDArray[np.float32], labels: tuple[int, ...]) -> float:
    """That of the best of all paths that collapse to the labels; -inf: there is none."""
    num_frames, num_labels = log_probs.shape
    return max(
        (
            float(sum(row[label] for row, label in zip(log_probs.astype(float), path, strict=True)))
            for path in product(range(num_labels), repeat=num_frames)
            if collapsed(path) == labels
        ),
        default=-np.inf,
    )


def path_of(spans: list[tuple[int, int]], labels: Sequence[int], num_frames: int) -> list[int]:
    path = [0] * num_frames
    for (start, stop), label in zip(spans, labels, strict=True):
        path[start:stop] = [label] * (stop - start)
    return path


@pytest.mark.slow
@given(st.integers(1, 6), st.lists(st.integers(1, 2), max_size=4), st.integers(0, 2**32))
def test_is_the_best_of_all_paths_of_the_text(
    num_frames: int, labels: list[int], seed: int
) -> None:
    log_probs = log_softmax(3 * np.random.default_rng(seed).normal(size=(num_frames, 3)))
    expected = best_path_log_prob(log_probs, tuple(labels))
    if expected == -np.inf:
        with pytest.raises(InfeasibleTargetError):
            align(log_probs, labels)
        return
    path = path_of(align(log_probs, labels), labels, num_frames)
    assert collapsed(path) == tuple(labels)
    found = sum(log_probs[frame, label] for frame, label in enumerate(path))
    assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("max_moves", [1, 100, 500])
def test_a_long_text_is_aligned_alike_in_blocks(
    monkeypatch: pytest.MonkeyPatch, max_moves: int
) -> None:
    generator = np.random.default_rng(1)
    log_probs = log_softmax(3 * generator.normal(size=(83, 5)))
    labels = generator.integers(1, 5, 20).tolist()
    whole = align(log_probs, labels)
    monkeypatch.setattr(alignment, "_MAX_MOVES", max_moves)
    assert align(log_probs, labels) == whole


def test_impossible_frames_do_not_hide_the_others() -> None:
    with np.errstate(divide="ignore"):
        log_probs = np.log(np.array([[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 1, 0]], np.float32))
    assert align(log_probs, [1, 1]) == [(1, 2), (3, 4)]
    assert align(log_probs, [1, 2, 1]) == [(1, 2), (2, 3), (3, 4)]


def test_an_impossible_text_has_a_finite_log_prob() -> None:
    with np.errstate(divide="ignore"):
        log_probs = np.log(np.array([[1, 0, 0], [0, 1, 0], [1, 0, 0]], np.float32))
    found = aligned_hypothesis(log_probs, [2], [("b", (0, 1))], np.arange(4.0))
    assert found.log_prob == pytest.approx(LOG_ZERO)
    assert found.words[0].confidence == 0


def test_no_labels_have_no_frames() -> None:
    assert align(log_softmax(np.zeros((3, 3))), []) == []
    assert align(log_softmax(np.zeros((0, 3))), []) == []


def test_says_how_many_frames_are_missing() -> None:
    with pytest.raises(InfeasibleTargetError, match="a7: text needs 4 frames, audio has 3"):
        align(log_softmax(np.zeros((3, 3))), [1, 2, 2], "a7")


@pytest.mark.parametrize("num_frames", [0, 1, 3])
def test_words_that_may_be_left_out_need_no_frames(num_frames: int) -> None:
    log_probs = log_softmax(np.zeros((num_frames, 4)))
    spans = align(log_probs, [1, 1, 3, 2, 1, 3, 1], space=3)
    assert len(spans) == 7
    assert all(0 <= start <= stop <= num_frames for start, stop in spans)


@pytest.mark.parametrize("labels", [[0], [3], [1, -1]])
def test_refuses_labels_out_of_range(labels: list[int]) -> None:
    with pytest.raises(ValueError, match=r"labels must be in 1\.\.2"):
        align(log_softmax(np.zeros((5, 3))), labels)
