"""How probable texts are, summed over all the ways in which CTC can emit them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from speechlstm.alphabet import BLANK


def ctc_log_probs(
    log_probs: NDArray[np.float32], texts: Sequence[Sequence[int]]
) -> NDArray[np.float64]:
    """Natural log-probability of each text: the forward variables of Graves et al. (2006), eq. 6-8.

    All texts go through the frames together. Probabilities are scaled to a largest one of 1 after
    each frame, which costs a fraction of sums of logarithms.

    Args:
        log_probs: (num_frames, num_labels), natural logarithms; label 0 is the blank.
        texts: Labels of each, from 1 on.

    Returns:
        (len(texts),); -inf for a text that needs more frames than there are, or whose paths are all
        less probable than others of the same frames by some 300 powers of ten.
    """
    if not texts:
        return np.zeros(0)
    num_labels = np.array([len(text) for text in texts])
    states = np.full((len(texts), 2 * num_labels.max() + 1), BLANK)  # blank, label, blank, label...
    for row, text in zip(states, texts, strict=True):
        row[1 : 2 * len(text) : 2] = text
    skips = np.zeros(states.shape)  # from label to label, unless they are equal
    skips[:, 1:2] = 1
    skips[:, 3::2] = states[:, 3::2] != states[:, 1:-2:2]

    # Column s + 2 is state s; the one before holds all that is probable before the first frame.
    forward = np.zeros((len(texts), states.shape[1] + 2))
    forward[:, 1] = 1
    total = np.zeros(len(texts))
    with np.errstate(divide="ignore"):
        for frame in np.exp(log_probs.astype(np.float64)):
            reached = forward[:, 2:] + forward[:, 1:-1] + skips * forward[:, :-2]
            forward[:, 1] = 0
            forward[:, 2:] = reached * frame[states]
            scale = forward.max(axis=1)
            total += np.log(scale)
            forward /= np.where(scale > 0, scale, 1)[:, np.newaxis]
        rows, last = np.arange(len(texts)), 2 * num_labels + 2
        # In the last label or the blank after it; without a label, column 1 or 2.
        ending: NDArray[np.float64] = forward[rows, last] + forward[rows, last - 1]
        return total + np.log(ending)
