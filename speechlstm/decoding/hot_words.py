"""Hot words: phrases that a search is to prefer, found while a text grows.

All phrases are sought at once by the automaton of Aho and Corasick (Efficient string matching, CACM
1975): a state is the longest end of the text that is the beginning of a phrase.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class PhraseMatcher:
    """Phrases as sequences of tokens, and what each token of a text gains.

    A text gains what the tokens of a phrase are worth each time that the phrase stands in it. It
    gains token by token; what was gained for a phrase that is not completed is given back by the
    token that breaks it off.

    Args:
        phrases: Tokens of each phrase, at least one.
        worth: What each token of each phrase is worth, at least 0.
        num_tokens: Tokens are 0 to num_tokens - 1.
        before: Tokens to be taken as read before a text begins.

    Attributes:
        start_state: The state before a text's first token.
        pending: (num_states,), what a text that ends in a state has to give back.
    """

    pending: NDArray[np.float64]

    def __init__(
        self,
        phrases: Sequence[Sequence[int]],
        worth: Sequence[Sequence[float]],
        num_tokens: int,
        before: Sequence[int] = (),
    ) -> None:
        # Tokens that are in no phrase share a column: the vocabulary may be large.
        self._columns = np.zeros(num_tokens, np.int64)
        used = sorted({token for phrase in phrases for token in phrase})
        self._columns[used] = np.arange(1, len(used) + 1)
        self._build(phrases, worth, 1 + len(used))
        self.start_state = 0
        for token in before:
            self.start_state = int(self._next[self.start_state, self._columns[token]])

    def advance(
        self, states: NDArray[np.int64], tokens: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The states after a token each, and what each text gains by it (or loses)."""
        after = self._next[states, self._columns[tokens]].astype(np.int64)
        return after, self._worth[after] - self.pending[states]

    def _build(
        self, phrases: Sequence[Sequence[int]], worth: Sequence[Sequence[float]], num_columns: int
    ) -> None:
        children: list[dict[int, int]] = [{}]  # of each state, by column
        reached, completed = [0.0], [0.0]  # worth of what leads to the state, and ends in it
        for phrase, values in zip(phrases, worth, strict=True):
            state, total = 0, 0.0
            for column, value in zip(self._columns[list(phrase)].tolist(), values, strict=True):
                total += value
                if column not in children[state]:
                    children[state][column] = len(children)
                    children.append({})
                    reached.append(total)
                    completed.append(0.0)
                state = children[state][column]
            completed[state] = total
        self._link(children, np.array(reached), np.array(completed), num_columns)

    def _link(
        self,
        children: list[dict[int, int]],
        reached: NDArray[np.float64],
        completed: NDArray[np.float64],
        num_columns: int,
    ) -> None:
        num_states = len(children)
        shorter = np.zeros(num_states, np.int64)  # the state of the next shorter end of the text
        kept = completed.copy()  # of what is reached: the worth of the last phrase on the way
        self.pending = np.zeros(num_states)
        self._next = np.zeros((num_states, num_columns), np.int32)  # 36 MB for 3,000 words
        queue = [0]
        for state in queue:  # breadth first: all shorter ends are complete
            for column, child in children[state].items():
                shorter[child] = self._next[shorter[state], column] if state else 0
                kept[child] = kept[child] or kept[state]
                queue.append(child)
            self._next[state] = self._next[shorter[state]]
            self._next[state, list(children[state])] = list(children[state].values())
            if state:
                completed[state] += completed[shorter[state]]
                goes_on = bool(children[state])
                self.pending[state] = (
                    reached[state] - kept[state] if goes_on else self.pending[shorter[state]]
                )
        self._worth = completed + self.pending
