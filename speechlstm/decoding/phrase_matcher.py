"""Which phrases a text holds, found while it grows.

All phrases are sought at once by the automaton of Aho and Corasick (Efficient string matching, CACM
1975): a state is the longest end of the text that is the beginning of a phrase.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class PhraseMatcher:
    """Phrases as sequences of tokens, and what a text gains with the last token of each.

    Args:
        phrases: Tokens of each phrase, at least one.
        worth: What a text gains each time that a phrase stands in it.
        num_tokens: Tokens are 0 to num_tokens - 1.
        before: Tokens to be taken as read before a text begins.

    Attributes:
        start_state: The state before a text's first token.
    """

    def __init__(
        self,
        phrases: Sequence[Sequence[int]],
        worth: Sequence[float],
        num_tokens: int,
        before: Sequence[int] = (),
    ) -> None:
        # Tokens that are in no phrase share a column: the vocabulary may be large.
        self._columns = np.zeros(num_tokens, np.int64)
        used = sorted({token for phrase in phrases for token in phrase})
        self._columns[used] = np.arange(1, len(used) + 1)
        children: list[dict[int, int]] = [{}]  # of each state, by column
        gains = [0.0]
        for phrase, value in zip(phrases, worth, strict=True):
            state = 0
            for column in self._columns[list(phrase)].tolist():
                if column not in children[state]:
                    children[state][column] = len(children)
                    children.append({})
                    gains.append(0.0)
                state = children[state][column]
            gains[state] = value
        self._link(children, np.array(gains), 1 + len(used))
        self.start_state = 0
        for token in before:
            self.start_state = int(self._next[self.start_state, self._columns[token]])

    def advance(
        self, states: NDArray[np.int64], tokens: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The states after a token each, and what each text gains by it."""
        after = self._next[states, self._columns[tokens]].astype(np.int64)
        return after, self._gains[after]

    def _link(
        self, children: list[dict[int, int]], gains: NDArray[np.float64], num_columns: int
    ) -> None:
        num_states = len(children)
        shorter = np.zeros(num_states, np.int64)  # the state of the next shorter end of the text
        self._next = np.zeros((num_states, num_columns), np.int32)
        queue = [0]
        for state in queue:  # breadth first: all shorter ends are complete
            for column, child in children[state].items():
                shorter[child] = self._next[shorter[state], column] if state else 0
                queue.append(child)
            self._next[state] = self._next[shorter[state]]
            self._next[state, list(children[state])] = list(children[state].values())
            if state:
                gains[state] += gains[shorter[state]]
        self._gains = gains
