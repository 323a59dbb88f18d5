"""The log-probabilities that decoders read: what they must be, and what 0 becomes."""

import numpy as np
from numpy.typing import NDArray

from speechlstm.text.alphabet import Alphabet

# In place of a probability's logarithm of -inf. Sums of it stay finite: where no text is possible,
# hypotheses can still be compared by the other frames. exp of it is 0, in any precision.
LOG_ZERO = -1e4


def check_log_probs(log_probs: NDArray[np.float32], alphabet: Alphabet) -> None:
    """Refuse what is no (num_frames, alphabet.num_labels) matrix of natural log-probabilities.

    Raises:
        ValueError: What was found instead.
    """
    if log_probs.ndim != 2 or log_probs.shape[1] != alphabet.num_labels:
        raise ValueError(
            f"log_probs have the shape {log_probs.shape}, "
            f"the alphabet needs (num_frames, {alphabet.num_labels})"
        )
    with np.errstate(over="ignore"):  # the sum is infinite then, and refused
        sums = np.exp(log_probs, dtype=np.float64).sum(axis=1)
    wrong = np.flatnonzero(~(np.abs(sums - 1) <= 1e-3))  # NaN compares false: wrong too
    if wrong.size:
        raise ValueError(
            f"log_probs must be natural logarithms of probabilities: those of frame {wrong[0]} "
            f"sum to {sums[wrong[0]]:.4g}, not to 1"
        )


def floored(log_probs: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same, none below LOG_ZERO."""
    return np.maximum(log_probs, np.float32(LOG_ZERO))
