"""Spotted phrases: hot words that fit the log-probabilities of certain frames."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from speechlstm.decoding.fusion import NO_WORD
from speechlstm.decoding.likelihood import forward


class SpottedPhrase(NamedTuple):
    """A phrase that hypotheses of a search may contain in certain frames.

    Attributes:
        start: The first frame.
        stop: The frame after the last one, which emits the last label.
        labels: The labels emitted in these frames, without a boundary before the phrase.
        ended: For each label, the code of the word of the phrase that ends before it, or NO_WORD.
            The codes are below NO_WORD.
        last: The code of the word that ends after the last label, or NO_WORD.
        log_prob: Natural log-probability of all paths that emit the labels in these frames.
        gain: What the phrase adds to the score of a hypothesis.
    """

    start: int
    stop: int
    labels: tuple[int, ...]
    words: tuple[str, ...]
    ended: tuple[int, ...]
    last: int
    log_prob: float
    gain: float


def words_ended(
    labels: Sequence[Sequence[int]], first_code: int, boundary: int
) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """The fields labels, ended and last of a spotted phrase.

    >>> words_ended([(1, 2), (3,)], first_code=-2, boundary=9)
    ((1, 2, 9, 3, 9), (-1, -1, -2, -1, -3), -1)

    Args:
        first_code: The code of the first word; each further word has one less.
        boundary: The label after each word; 0: there is none.
    """
    flat: list[int] = []
    ended: list[int] = []
    code = NO_WORD
    for i, word in enumerate(labels):
        flat += word
        ended += [code] + [NO_WORD] * (len(word) - 1)
        code = first_code - i
        if boundary:
            flat.append(boundary)
            ended.append(code)
            code = NO_WORD
    return tuple(flat), tuple(ended), code


def log_prob_of(log_probs: NDArray[np.float32], labels: Sequence[int]) -> float:
    """The natural log-probability of all paths that emit labels up to the last frame.

    >>> log_probs = np.log(np.array([[0.5, 0.5], [0.5, 0.5]], np.float32))
    >>> round(float(np.exp(log_prob_of(log_probs, [1]))), 3)  # the paths (1, 1) and (blank, 1)
    0.5

    Args:
        log_probs: (num_frames, num_labels), natural logarithms, at least one frame.
        labels: At least one. There may be blanks before the first; the last frame emits the last.
    """
    return float(forward(log_probs, labels)[-1, -2])  # in the last label, not in the blank after it
