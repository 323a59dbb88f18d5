"""Finds the frames where phrases may be spoken, by their labels' log-probabilities.

CTC word spotting as in Andrusenko, Laptev, Bataev, Lavrukhin and Ginsburg, "Fast context-biasing
for CTC and transducer ASR models with CTC-based word spotter", Interspeech 2024: each phrase is a
row of CTC states that can be entered in any frame. All phrases are processed at once.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from speechlstm.text.alphabet import BLANK

_LIKELY = 0.7  # a label is likely if it is this close to the most probable one: half of it

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


class Spot(NamedTuple):
    """Frames in which a phrase may be spoken.

    Attributes:
        start: The first frame that may emit its first label.
        stop: The frame after the last one that emits its last label.
        gap: How far the best path of its labels is below the most probable label of each frame, in
            natural logarithms, at least 0.
    """

    phrase: int
    start: int
    stop: int
    gap: float


class Spotter:
    """Finds phrases in log-probabilities.

    >>> probs = [[0.9, 0.05, 0.05], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]]
    >>> log_probs = np.log(np.array(probs, np.float32))
    >>> [(spot.phrase, spot.start, spot.stop) for spot in Spotter([[1, 2]], [0.5]).spots(log_probs)]
    [(0, 1, 3)]

    Args:
        phrases: The labels of each phrase, at least one.
        max_gaps: The largest gap of each phrase.
    """

    def __init__(self, phrases: Sequence[Sequence[int]], max_gaps: Sequence[float]) -> None:
        lengths = np.array([len(labels) for labels in phrases])
        self._labels = np.concatenate([np.asarray(labels, np.int64) for labels in phrases])
        ends = np.cumsum(lengths)
        self._last, self._first = ends - 1, ends - lengths
        self._limits = np.array(max_gaps, np.float32)
        # Between equal labels there must be a blank.
        self._needs_blank = np.zeros(len(self._labels), bool)
        self._needs_blank[1:] = self._labels[1:] == self._labels[:-1]

    def spots(self, log_probs: Floats) -> list[Spot]:
        """The best spot in each group of overlapping ones of a phrase, ordered by their ends.

        Args:
            log_probs: (num_frames, num_labels), natural logarithms.
        """
        gaps = log_probs.max(axis=1, keepdims=True) - log_probs
        num_states = len(self._labels)
        # For each label, and for the blank after it: the smallest gap of a path that ends there,
        # and the frame where that path entered the phrase.
        label = np.full(num_states, np.inf, np.float32)
        blank = label.copy()
        label_start, blank_start = np.zeros(num_states, np.int32), np.zeros(num_states, np.int32)
        before, before_start = label.copy(), label_start.copy()
        best: dict[int, Spot] = {}
        spots: list[Spot] = []
        for t, row in enumerate(gaps):
            # Into a label: from the blank before it, or from the label before that one.
            is_label = (label[:-1] < blank[:-1]) & ~self._needs_blank[1:]
            before[1:] = np.where(is_label, label[:-1], blank[:-1])
            before_start[1:] = np.where(is_label, label_start[:-1], blank_start[:-1])
            before[self._first], before_start[self._first] = 0, t
            # Into a blank: from the label before it.
            is_label = label < blank
            np.copyto(blank, label, where=is_label)
            np.copyto(blank_start, label_start, where=is_label)
            blank += row[BLANK]
            is_new = before < label  # among equal paths, prefer the one that began earlier
            np.copyto(label, before, where=is_new)
            np.copyto(label_start, before_start, where=is_new)
            label += row[self._labels]
            ended = np.flatnonzero(label[self._last] <= self._limits)
            for phrase in ended.tolist():
                state = self._last[phrase]
                spot = Spot(phrase, int(label_start[state]), t + 1, float(label[state]))
                rival = best.get(phrase)
                if rival is not None and spot.start >= rival.stop:
                    spots.append(rival)
                    rival = None
                if rival is None or spot.gap < rival.gap:
                    best[phrase] = spot
        spots += best.values()
        return sorted(
            (self._with_onset(spot, gaps) for spot in spots), key=lambda s: (s.stop, s.start)
        )

    def _with_onset(self, spot: Spot, gaps: Floats) -> Spot:
        """The spot with the frames before it in which its first label is also likely.

        A path of the phrase may begin a label late without a penalty, but then the words before it
        would have to fill these frames.
        """
        start, label = spot.start, self._labels[self._first[spot.phrase]]
        while start and gaps[start - 1, label] < _LIKELY:
            start -= 1
        return spot._replace(start=start)
