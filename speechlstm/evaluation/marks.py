"""Precision, recall and F1 of labels, from counts."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class LabelCounts:
    """Counts pairs of expected and predicted labels; rates are computed from the sums.

    >>> counts = LabelCounts(2)
    >>> counts.add([0, 1, 1], [1, 1, 0])
    >>> counts.precision(1), counts.recall(1), counts.f1(1)
    (0.5, 0.5, 0.5)

    Args:
        num_labels: Labels are 0 to num_labels - 1.

    Attributes:
        confusion: (num_labels, num_labels), the counts by expected and predicted label.
    """

    def __init__(self, num_labels: int) -> None:
        self.confusion = np.zeros((num_labels, num_labels), np.int64)

    def add(
        self, expected: Sequence[int] | NDArray[np.int32], found: Sequence[int] | NDArray[np.int32]
    ) -> None:
        """Count pairs of labels."""
        np.add.at(self.confusion, (np.asarray(expected, int), np.asarray(found, int)), 1)

    def precision(self, label: int) -> float:
        """The share of predicted labels that are correct; 0 if there are none."""
        return _ratio(self.confusion[label, label], self.confusion[:, label].sum())

    def recall(self, label: int) -> float:
        """The share of expected labels that are predicted; 0 if there are none."""
        return _ratio(self.confusion[label, label], self.confusion[label].sum())

    def f1(self, label: int) -> float:
        """The harmonic mean of precision and recall; 0 if the label does not occur."""
        both = self.confusion[label].sum() + self.confusion[:, label].sum()
        return _ratio(2 * self.confusion[label, label], both)

    def to_dict(self, label: int) -> dict[str, float]:
        """The rates and counts of a label as plain JSON values."""
        return {
            "precision": self.precision(label),
            "recall": self.recall(label),
            "f1": self.f1(label),
            "expected": int(self.confusion[label].sum()),
            "found": int(self.confusion[:, label].sum()),
        }


def _ratio(count: int, total: int) -> float:
    return float(count / total) if total else 0.0
