"""The probability of a text: the sum over all CTC paths that have its labels.

Graves et al., "Connectionist temporal classification", ICML 2006.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from speechlstm.decoding.log_probs import floored
from speechlstm.text.alphabet import BLANK
from speechlstm.text.targets import min_steps


def ctc_states(labels: Sequence[int]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The states of a text: its labels, with blanks before, between and after them.

    >>> ctc_states([1, 1])[0].tolist()
    [0, 1, 0, 1, 0]

    Returns:
        The label of each state, and 0 where the blank before it may be skipped, since the labels
        around it differ, or else -inf: (2 * len(labels) + 1,) each.
    """
    states = np.full(2 * len(labels) + 1, BLANK)
    states[1::2] = labels
    skip = np.full(len(states), -np.inf)
    skip[3::2][states[3::2] != states[1:-2:2]] = 0
    return states, skip


def forward(log_probs: NDArray[np.floating], labels: Sequence[int]) -> NDArray[np.float64]:
    """The natural log-probability of all paths to a state at a frame, the emission included.

    The forward algorithm of Graves et al., section 4.1.

    Returns:
        (num_frames, num_states), by the states of ctc_states.
    """
    states, skip = ctc_states(labels)
    emitted = log_probs[:, states].astype(np.float64)
    scores = np.full(emitted.shape, -np.inf)
    scores[0, :2] = emitted[0, :2]
    for frame in range(1, len(emitted)):
        last = scores[frame - 1]
        found = last.copy()
        found[1:] = np.logaddexp(found[1:], last[:-1])
        found[2:] = np.logaddexp(found[2:], last[:-2] + skip[2:])
        scores[frame] = found + emitted[frame]
    return scores


def text_log_prob(log_probs: NDArray[np.float32], labels: Sequence[int]) -> float:
    """The natural log-probability of all CTC paths of a text.

    As `forward`, with probabilities that are scaled in each frame: several times as fast as their
    logarithms.

    >>> log_probs = np.log([[0.5, 0.5], [0.5, 0.5]])
    >>> round(float(np.exp(text_log_prob(log_probs.astype(np.float32), [1]))), 6)
    0.75

    Args:
        log_probs: (num_frames, num_labels), natural logarithms; label 0 is the blank.

    Returns:
        -inf if the labels need more frames than there are.
    """
    if min_steps(labels) > len(log_probs):
        return -np.inf
    states, skip = ctc_states(labels)
    emitted = floored(log_probs)[:, states].astype(np.float64)
    can_skip = np.exp(skip)
    largest = emitted.max(axis=1)
    probabilities = np.exp(emitted - largest[:, np.newaxis])
    paths = np.zeros(len(states))
    paths[:2] = probabilities[0, :2]
    total = float(largest[0])
    for row, top in zip(probabilities[1:], largest[1:].tolist(), strict=True):
        scale = paths.max()
        if scale <= 0:
            return -np.inf
        total += float(np.log(scale)) + top
        paths /= scale
        moved = paths.copy()
        moved[1:] += paths[:-1]
        moved[2:] += paths[:-2] * can_skip[2:]
        paths = moved * row
    with np.errstate(divide="ignore"):
        return total + float(np.log(paths[-2:].sum()))
