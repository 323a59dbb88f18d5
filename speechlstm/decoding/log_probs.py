"""The log-probabilities that decoders read: checks, and the substitute for -inf."""

import numpy as np
from numpy.typing import NDArray

from speechlstm.text.alphabet import BLANK, Alphabet

# Replaces -inf, the logarithm of 0. Its sums are finite, so that hypotheses can be compared by the
# other frames if no text is possible. exp of it is 0 in any precision.
LOG_ZERO = -1e4


def check_log_probs(log_probs: NDArray[np.float32], alphabet: Alphabet) -> None:
    """Refuse anything but natural log-probabilities of shape (num_frames, alphabet.num_labels).

    Raises:
        ValueError: The shape is another, or the probabilities of a frame do not sum to 1.
    """
    if log_probs.ndim != 2 or log_probs.shape[1] != alphabet.num_labels:
        raise ValueError(
            f"log_probs have the shape {log_probs.shape}, "
            f"the alphabet needs (num_frames, {alphabet.num_labels})"
        )
    with np.errstate(over="ignore"):  # an infinite sum is refused below
        sums = np.exp(log_probs, dtype=np.float64).sum(axis=1)
    wrong = np.flatnonzero(~(np.abs(sums - 1) <= 1e-3))  # also finds NaN, which compares false
    if wrong.size:
        raise ValueError(
            f"log_probs must be natural logarithms of probabilities: those of frame {wrong[0]} "
            f"sum to {sums[wrong[0]]:.4g}, not to 1"
        )


def floored(log_probs: NDArray[np.float32]) -> NDArray[np.float32]:
    """The log-probabilities, with values below LOG_ZERO replaced by it.

    >>> floored(np.array([-np.inf, -1.0], np.float32)).tolist()
    [-10000.0, -1.0]
    """
    return np.maximum(log_probs, np.float32(LOG_ZERO))


def active_labels(log_probs: NDArray[np.float64], min_log_prob: float) -> NDArray[np.bool_]:
    """The labels that a search tries in each frame, (num_frames, num_labels).

    They are those of at least min_log_prob and the most probable one, without the blank.
    """
    is_active = log_probs >= min_log_prob
    is_active &= log_probs > LOG_ZERO
    is_active[np.arange(len(is_active)), log_probs.argmax(axis=1)] = True
    is_active[:, BLANK] = False
    return is_active
