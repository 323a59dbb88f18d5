"""Whether an utterance ends within a phrase: with some of its first words, but not all."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from speechlstm.decoding.fusion import NO_WORD
from speechlstm.decoding.log_probs import LOG_ZERO
from speechlstm.decoding.spotted_phrases import words_ended
from speechlstm.decoding.spotting import Spotter
from speechlstm.text.alphabet import BLANK

_MAX_GAP = 0.5  # of a label: see hot_words.MAX_GAP. Here a false match costs but a wait
_NUM_FRAMES = 100  # before the last label: 3 s


class PhraseBeginnings:
    """Spots the beginnings of phrases at the end of an utterance.

    >>> beginnings = PhraseBeginnings([[(1, 2), (3,)]], boundary=0)
    >>> labels = [1, 1, 2, 0, 0]
    >>> probs = np.where(np.eye(4)[labels] > 0, 0.97, 0.01)
    >>> beginnings.are_at_end(np.log(probs).astype(np.float32))
    True

    Args:
        phrases: The labels of each word of each phrase.
        boundary: The label between words; 0: there is none.
    """

    def __init__(self, phrases: Iterable[Sequence[Sequence[int]]], boundary: int) -> None:
        self._boundary = boundary
        edge = (boundary,) if boundary else ()
        rows = {
            (*edge, *words_ended(words[:number], NO_WORD, boundary)[0])
            for words in phrases
            for number in range(1, len(words))
        }
        max_gaps = [_MAX_GAP * len(row) for row in rows]
        self._spotter = Spotter(list(rows), max_gaps) if rows else None

    def are_at_end(self, log_probs: NDArray[np.float32]) -> bool:
        """Whether the last words begin a phrase.

        Args:
            log_probs: (num_frames, num_labels), natural logarithms.
        """
        labels = log_probs.argmax(axis=1)
        spoken = np.flatnonzero((labels != BLANK) & (labels != self._boundary))
        if not self._spotter or not spoken.size:
            return False
        last = int(spoken[-1])  # the first frame of the last label
        while last and labels[last - 1] == labels[last]:
            last -= 1
        first = max(0, last + 1 - _NUM_FRAMES)
        log_probs = log_probs[first:]
        if self._boundary:  # before the first and after the last frame
            edge = np.full((1, log_probs.shape[1]), LOG_ZERO, np.float32)
            edge[0, self._boundary] = 0
            log_probs = np.concatenate((edge, log_probs, edge))
        end = last - first + int(self._boundary > 0)
        return any(spot.stop > end for spot in self._spotter.spots(log_probs))
