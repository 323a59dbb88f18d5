"""Where phrases may be said: a search for their labels in the log-probabilities, all at once.

CTC word spotting as in Andrusenko, Laptev, Bataev, Lavrukhin and Ginsburg, Fast context-biasing for
CTC and transducer ASR models with CTC-based word spotter, Interspeech 2024: each phrase is a row of
CTC states that may be entered in any frame.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from speechlstm.text.alphabet import BLANK

_LIKELY = 0.7  # of a label, how far it may be behind the likeliest one: half its probability

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


class Spot(NamedTuple):
    """Frames in which a phrase may be said.

    Attributes:
        phrase: Its index.
        start: The first frame that may emit its first label.
        stop: One past the last frame that emits its last label.
        gap: How far the best path of its labels stays behind the likeliest label of each frame, a
            natural logarithm, at least 0.
    """

    phrase: int
    start: int
    stop: int
    gap: float


class Spotter:
    """Finds phrases in log-probabilities.

    Args:
        phrases: The labels of each, at least one.
        max_gaps: Of each phrase; spots with more are left out.
    """

    def __init__(self, phrases: Sequence[Sequence[int]], max_gaps: Sequence[float]) -> None:
        lengths = np.array([len(labels) for labels in phrases])
        self._labels = np.concatenate([np.asarray(labels, np.int64) for labels in phrases])
        ends = np.cumsum(lengths)
        self._last, self._first = ends - 1, ends - lengths
        self._limits = np.array(max_gaps, np.float32)
        # Between equal labels a blank is needed.
        self._needs_blank = np.zeros(len(self._labels), bool)
        self._needs_blank[1:] = self._labels[1:] == self._labels[:-1]

    def spots(self, log_probs: Floats) -> list[Spot]:
        """The best of each phrase among those that overlap, in the order of their ends.

        Args:
            log_probs: (num_frames, num_labels), natural logarithms.
        """
        gaps = log_probs.max(axis=1, keepdims=True) - log_probs
        num_states = len(self._labels)
        # Of each state, its label's and that of the blank after it: the least gap of a path that
        # ends there, and the frame where that path entered the phrase.
        label = np.full(num_states, np.inf, np.float32)
        blank = label.copy()
        label_start, blank_start = np.zeros(num_states, np.int32), np.zeros(num_states, np.int32)
        before, before_start = label.copy(), label_start.copy()
        best: dict[int, Spot] = {}
        found: list[Spot] = []
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
            is_new = before < label  # of equal ones, what has begun before
            np.copyto(label, before, where=is_new)
            np.copyto(label_start, before_start, where=is_new)
            label += row[self._labels]
            ended = np.flatnonzero(label[self._last] <= self._limits)
            for phrase in ended.tolist():
                state = self._last[phrase]
                spot = Spot(phrase, int(label_start[state]), t + 1, float(label[state]))
                rival = best.get(phrase)
                if rival is not None and spot.start >= rival.stop:
                    found.append(rival)
                    rival = None
                if rival is None or spot.gap < rival.gap:
                    best[phrase] = spot
        found += best.values()
        return sorted(
            (self._with_onset(spot, gaps) for spot in found), key=lambda s: (s.stop, s.start)
        )

    def _with_onset(self, spot: Spot, gaps: Floats) -> Spot:
        """The same with the frames before it in which its first label is likely too.

        To begin a label late costs a path of the phrase nothing, but the words before would have to
        read these frames.
        """
        start, label = spot.start, self._labels[self._first[spot.phrase]]
        while start and gaps[start - 1, label] < _LIKELY:
            start -= 1
        return spot._replace(start=start)
