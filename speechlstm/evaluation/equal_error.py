"""Verification of speakers: the equal error rate of scores of pairs of recordings."""

import numpy as np
from numpy.typing import ArrayLike


def equal_error_rate(same: ArrayLike, different: ArrayLike) -> tuple[float, float]:
    """The error rate at the threshold where as many pairs are rejected as are accepted wrongly.

    A pair is accepted if its score is at least the threshold. Where the two rates cross between
    two thresholds, their mean at the nearer one is returned.

    >>> equal_error_rate([0.9, 0.8, 0.3], [0.1, 0.4, 0.2])
    (0.333..., 0.4)

    Args:
        same: Scores of pairs of one speaker, at least one.
        different: Scores of pairs of two speakers, at least one.

    Returns:
        The equal error rate, and the threshold.

    Raises:
        ValueError: There are no pairs of one of the kinds.
    """
    same, different = np.sort(np.ravel(same)), np.sort(np.ravel(different))
    if not len(same) or not len(different):
        raise ValueError(f"needs pairs of both kinds, has {len(same)} and {len(different)}")
    thresholds = np.unique(np.concatenate([same, different]))
    rejected = np.searchsorted(same, thresholds, side="left") / len(same)
    accepted = 1 - np.searchsorted(different, thresholds, side="left") / len(different)
    best = int(np.argmin(np.abs(rejected - accepted)))
    return float((rejected[best] + accepted[best]) / 2), float(thresholds[best])
