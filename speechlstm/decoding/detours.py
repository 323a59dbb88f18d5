"""Detours: stretches of an utterance that a search may read as a phrase of its caller's."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from speechlstm.decoding.fusion import NO_WORD
from speechlstm.text.alphabet import BLANK


class Detour(NamedTuple):
    """A phrase that hypotheses may read in some frames, instead of what the search finds there.

    Attributes:
        start: The first frame.
        stop: One past the last frame, which emits the last label.
        labels: What they emit; of a boundary before the phrase, not that.
        words: The words of the phrase.
        ended: For each label, the word that ends before it within the phrase: the codes of words
            are below NO_WORD, which stands for none.
        last: The word that has ended after the last label, or NO_WORD.
        log_prob: Of all paths that emit the labels in these frames.
        gain: What the phrase adds to a hypothesis' score.
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
    """Labels, ended and last of a detour.

    Args:
        labels: Of each word.
        first_code: Of the first word; the next one's is one less, and so on.
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

    Args:
        log_probs: (num_frames, num_labels), natural logarithms, at least one frame.
        labels: At least one. Before the first there may be blanks; the last frame emits the last.
    """
    states = np.full(2 * len(labels), BLANK)
    states[1::2] = labels
    skip = np.full(len(states), -np.inf)  # a blank may be passed over where labels differ
    skip[3::2][states[3::2] != states[1:-2:2]] = 0
    emissions = log_probs[:, states].astype(np.float64)
    scores = np.full(len(states), -np.inf)
    scores[:2] = emissions[0, :2]
    for row in emissions[1:]:
        before = scores.copy()
        scores[1:] = np.logaddexp(scores[1:], before[:-1])
        scores[2:] = np.logaddexp(scores[2:], before[:-2] + skip[2:])
        scores += row
    return float(scores[-1])
