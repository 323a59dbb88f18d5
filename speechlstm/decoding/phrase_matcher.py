"""Finds phrases in a text while it grows.

All phrases are matched at once by the automaton of Aho and Corasick ("Efficient string matching",
CACM 1975): a state is the longest suffix of the text that is a prefix of a phrase.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class PhraseMatcher:
    """Matches phrases of tokens, each of which adds a gain to the score of a text.

    >>> matcher = PhraseMatcher([[1, 2]], gains=[0.5], num_tokens=4)
    >>> states, _ = matcher.advance(np.array([matcher.start_state]), np.array([1]))
    >>> matcher.advance(states, np.array([2]))[1].tolist()
    [0.5]

    Args:
        phrases: The tokens of each phrase, at least one.
        gains: What each phrase adds to the score, each time that it occurs.
        num_tokens: Tokens are 0 to num_tokens - 1.
        before: Tokens that are assumed before the start of a text.

    Attributes:
        start_state: The state before the first token of a text.
    """

    def __init__(
        self,
        phrases: Sequence[Sequence[int]],
        gains: Sequence[float],
        num_tokens: int,
        before: Sequence[int] = (),
    ) -> None:
        # Tokens that are in no phrase share a column, because the vocabulary may be large.
        self._columns = np.zeros(num_tokens, np.int64)
        used = sorted({token for phrase in phrases for token in phrase})
        self._columns[used] = np.arange(1, len(used) + 1)
        children: list[dict[int, int]] = [{}]  # of each state, by column
        state_gains = [0.0]
        for phrase, gain in zip(phrases, gains, strict=True):
            state = 0
            for column in self._columns[list(phrase)].tolist():
                if column not in children[state]:
                    children[state][column] = len(children)
                    children.append({})
                    state_gains.append(0.0)
                state = children[state][column]
            state_gains[state] = gain
        self._link(children, np.array(state_gains), 1 + len(used))
        self.start_state = 0
        for token in before:
            self.start_state = int(self._next[self.start_state, self._columns[token]])

    def advance(
        self, states: NDArray[np.int64], tokens: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The states after one token each, and what each adds to the score."""
        after = self._next[states, self._columns[tokens]].astype(np.int64)
        return after, self._gains[after]

    def _link(
        self, children: list[dict[int, int]], gains: NDArray[np.float64], num_columns: int
    ) -> None:
        num_states = len(children)
        shorter = np.zeros(num_states, np.int64)  # the state of the longest proper suffix
        self._next = np.zeros((num_states, num_columns), np.int32)
        queue = [0]
        for state in queue:  # breadth first, so that the suffixes are complete
            for column, child in children[state].items():
                shorter[child] = self._next[shorter[state], column] if state else 0
                queue.append(child)
            self._next[state] = self._next[shorter[state]]
            self._next[state, list(children[state])] = list(children[state].values())
            if state:
                gains[state] += gains[shorter[state]]
        self._gains = gains
