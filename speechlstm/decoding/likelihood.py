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


def text_log_prob(log_probs: NDArray[np.float32], labels: Sequence[int]) -> float:
    """The natural log-probability of all CTC paths of a text.

    The forward algorithm of Graves et al., section 4.1.

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
    # Probabilities, scaled in each frame, are several times as fast as their logarithms.
    can_skip = np.exp(skip)
    largest = emitted.max(axis=1)
    probabilities = np.exp(emitted - largest[:, np.newaxis])
    forward = np.zeros(len(states))
    forward[:2] = probabilities[0, :2]
    total = float(largest[0])
    for row, top in zip(probabilities[1:], largest[1:].tolist(), strict=True):
        scale = forward.max()
        if scale <= 0:
            return -np.inf
        total += float(np.log(scale)) + top
        forward /= scale
        moved = forward.copy()
        moved[1:] += forward[:-1]
        moved[2:] += forward[:-2] * can_skip[2:]
        forward = moved * row
    with np.errstate(divide="ignore"):
        return total + float(np.log(forward[-2:].sum()))
