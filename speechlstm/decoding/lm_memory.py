"""What a language model has told one search."""

import numpy as np
from numpy.typing import NDArray

from speechlstm.lm.model import SearchModel

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

_Context = tuple[int, ...]  # ids of the last words


class LMMemory:
    """Asks a language model about each word in each state once.

    Hypotheses that differ by what was said long ago ask about the same words. If the model has
    `context_words`, they share a state too: that of the hypothesis which was the first with the
    same last words. It lives as long as one search, so what is found in an utterance does not
    depend on those before it.

    Args:
        lm: The model; None: all words are certain.
    """

    def __init__(self, lm: SearchModel | None) -> None:
        self._lm = lm
        self._answers: dict[tuple[int, int], tuple[int, float]] = {}  # by state and word
        self._contexts: dict[int, _Context] = {}  # by state
        self._states: dict[_Context, int] = {}

    def advance(self, states: Integers, words: NDArray[np.int32]) -> tuple[Integers, Floats]:
        """As SearchModel.search."""
        if self._lm is None or not states.size:
            return states, np.zeros(len(states))
        asked = list(zip(states.tolist(), words.tolist(), strict=True))
        new = list(dict.fromkeys(pair for pair in asked if pair not in self._answers))
        if new:
            self._ask(self._lm, new)
        after, log_probs = zip(*[self._answers[pair] for pair in asked], strict=True)
        return np.array(after, np.int64), np.array(log_probs)

    def _ask(self, lm: SearchModel, pairs: list[tuple[int, int]]) -> None:
        states, words = zip(*pairs, strict=True)
        after, log_probs = lm.search(np.array(states, np.int64), np.array(words, np.int32))
        answers = zip(pairs, after.tolist(), log_probs.tolist(), strict=True)
        for pair, state, log_prob in answers:
            shared = self._shared(pair, state, lm.context_words) if lm.context_words else state
            self._answers[pair] = shared, log_prob

    def _shared(self, pair: tuple[int, int], after: int, num_words: int) -> int:
        """The state that hypotheses with the same last words share.

        Args:
            pair: State and word.
            after: The state after that word.
            num_words: How many words have to be the same.
        """
        state, word = pair
        before = self._contexts.get(state, (-1 - state,))  # one that it has not given stands alone
        context = (*before, word)[-num_words:]
        shared = self._states.setdefault(context, after)
        self._contexts[shared] = context
        return shared
