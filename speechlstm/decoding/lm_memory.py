"""Caches the results of a language model during a search."""

import numpy as np
from numpy.typing import NDArray

from speechlstm.lm.model import SearchModel

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

_Context = tuple[int, ...]  # ids of the last words


class LMMemory:
    """Queries a language model only once for each word in each state.

    Hypotheses that differ only in earlier words query the same words. If the model has
    `context_words`, they also share a state: that of the first hypothesis with the same last words.
    The cache belongs to one search, so that the result for an utterance does not depend on earlier
    ones.

    Args:
        lm: The model; None: all words have probability 1.
    """

    def __init__(self, lm: SearchModel | None) -> None:
        self._lm = lm
        self._results: dict[tuple[int, int], tuple[int, float]] = {}  # by state and word
        self._contexts: dict[int, _Context] = {}  # by state
        self._states: dict[_Context, int] = {}

    def advance(self, states: Integers, words: NDArray[np.int32]) -> tuple[Integers, Floats]:
        """As SearchModel.search."""
        if self._lm is None or not states.size:
            return states, np.zeros(len(states))
        queries = list(zip(states.tolist(), words.tolist(), strict=True))
        new = list(dict.fromkeys(pair for pair in queries if pair not in self._results))
        if new:
            self._query(self._lm, new)
        after, log_probs = zip(*[self._results[pair] for pair in queries], strict=True)
        return np.array(after, np.int64), np.array(log_probs)

    def _query(self, lm: SearchModel, pairs: list[tuple[int, int]]) -> None:
        states, words = zip(*pairs, strict=True)
        after, log_probs = lm.search(np.array(states, np.int64), np.array(words, np.int32))
        results = zip(pairs, after.tolist(), log_probs.tolist(), strict=True)
        for pair, state, log_prob in results:
            shared = self._shared(pair, state, lm.context_words) if lm.context_words else state
            self._results[pair] = shared, log_prob

    def _shared(self, pair: tuple[int, int], after: int, num_words: int) -> int:
        """The state that hypotheses with the same last words share.

        Args:
            num_words: The number of last words that have to be the same.
        """
        state, word = pair
        # A state that is not from this cache has a context of its own.
        before = self._contexts.get(state, (-1 - state,))
        context = (*before, word)[-num_words:]
        shared = self._states.setdefault(context, after)
        self._contexts[shared] = context
        return shared
