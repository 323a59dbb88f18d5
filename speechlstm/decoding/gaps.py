"""Forced alignment where text and speech differ: passages that only one of the two has.

A chain of CTC's states as `alignment` has it, and beside it a gap at each end of a word. In a gap,
anything may be spoken, and words of the text may be left out, each at a cost. So words that are not
spoken do not take the place of others, and speech that the text lacks does not draw words apart.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from speechlstm.decoding.likelihood import ctc_states
from speechlstm.text.alphabet import BLANK

# Natural logarithms, chosen on joined utterances of LibriSpeech and Common Voice with sentences
# added, left out, replaced and moved: scripts/benchmarks/align_edits.py.
_OPEN_COST = 14.0  # of a gap between two words; before the first and after the last there is none
_SOUND_COST = 0.3  # of a frame of other speech
_WORD_COST, _LABEL_COST = 2.0, 2.5  # of a word that is left out, and of each of its labels

_STAYS, _FROM_WORD, _FROM_BLANK, _LEAVES_OUT = 0, 1, 2, 4  # how a path comes to a gap
_FROM_GAP = 3  # how it comes to the first label of a word, besides 0 to 2 states further

_Scores = NDArray[np.float64]


class GappedChain:
    """The states of a text, and after them its gaps: before each word, and after the last one.

    Args:
        labels: The labels of the text, at least one.
        space: The label between words.
        any_sound: The column of the log-probabilities that has those of other speech.
    """

    def __init__(self, labels: Sequence[int], space: int, any_sound: int) -> None:
        states, self._skip = ctc_states(labels)
        self._size = len(states)
        spaces = np.flatnonzero(states == space)
        # The blank at each gap, and the last label before it.
        self._blanks = np.concatenate(([0], spaces + 1, [self._size - 1]))
        self._lasts = np.concatenate(([0], spaces - 2, [self._size - 2]))
        self._firsts = self._blanks[:-1] + 1
        num_gaps = len(self._blanks)
        self.states = np.concatenate((states, np.full(num_gaps, any_sound)))
        self._open = np.full(num_gaps, _OPEN_COST)
        self._open[[0, -1]] = np.inf, 0  # the first one is where a path begins
        lengths = (self._lasts[1:] - self._firsts) // 2 + 1
        costs = _WORD_COST + _LABEL_COST * lengths
        self._costs = np.concatenate(([0], np.cumsum(costs)))

    def first_scores(self) -> _Scores:
        """The scores before the first frame."""
        scores = np.full(len(self.states), -np.inf)
        scores[[0, self._size]] = 0
        return scores

    def advance(
        self, scores: _Scores, emissions: NDArray[np.float32]
    ) -> tuple[_Scores, NDArray[np.int8]]:
        """The best score of each state after another frame, and how its path comes to it."""
        chain, gaps = scores[: self._size], scores[self._size :]
        best = scores.copy()
        moves = np.zeros(len(scores), np.int8)

        found, found_moves = best[: self._size], moves[: self._size]
        for step, moved in ((1, chain[:-1]), (2, chain[:-2] + self._skip[2:])):
            np.copyto(found_moves[step:], step, where=moved > found[step:])
            np.maximum(found[step:], moved, out=found[step:])
        is_better = gaps[:-1] > found[self._firsts]
        enters = self._firsts[is_better]
        found[enters] = gaps[:-1][is_better]
        found_moves[enters] = _FROM_GAP

        found, found_moves = best[self._size :], moves[self._size :]
        for move, places in ((_FROM_WORD, self._lasts), (_FROM_BLANK, self._blanks)):
            moved = chain[places] - self._open
            np.copyto(found_moves, move, where=moved > found)
            np.maximum(found, moved, out=found)
        found += self._costs
        whole = np.maximum.accumulate(found)
        found_moves[whole > found] = _LEAVES_OUT
        np.subtract(whole, self._costs, out=found)
        return best + emissions, moves

    def last_state(self, scores: _Scores) -> int:
        """Where the best path ends."""
        ends = self._size - 2, self._size - 1, len(self.states) - 1
        return max(ends, key=lambda state: scores[state])

    def place(self, state: int) -> int:
        """The state of the text at which a state is; of a gap, the blank there."""
        return state if state < self._size else int(self._blanks[state - self._size])

    def before(self, state: int, moves: NDArray[np.int8]) -> int:
        """The state of the path at the frame before, from the moves to a frame."""
        while (move := moves[state]) == _LEAVES_OUT:
            state -= 1
        if state < self._size:
            if move == _FROM_GAP:
                return self._size + int(np.searchsorted(self._firsts, state))
            return state - int(move)
        if move == _STAYS:
            return state
        places = self._lasts if move == _FROM_WORD else self._blanks
        return int(places[state - self._size])


def with_any_sound(log_probs: NDArray[np.float32]) -> NDArray[np.float32]:
    """With one more column: of silence or, at a cost, of whatever is the most probable."""
    any_sound = log_probs.max(axis=1, keepdims=True) - np.float32(_SOUND_COST)
    return np.concatenate((log_probs, np.maximum(log_probs[:, [BLANK]], any_sound)), axis=1)
