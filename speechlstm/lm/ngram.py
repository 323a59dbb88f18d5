"""The n-gram language model as a decoder asks it: many words after many contexts at once."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speechlstm.errors import LanguageModelError
from speechlstm.lm.packed import open_packed
from speechlstm.lm.table import NGramTable
from speechlstm.lm.trie import Trie, build_trie

_LOWEST = -1e4  # natural log; what a damaged file makes of a probability stays finite


class NGramModel:
    """A back-off n-gram model.

    A state stands for the words before the next one: the longest context that the model knows
    anything about. Equal states have equal futures; state 0 is the empty context.

    Args:
        trie: The n-grams.
        alphabet_sha256: Of the alphabet that its words are spelled in; None: of no certain one.
        path: Where they come from, for errors.

    Attributes:
        order: Length of the longest n-grams.
        num_words: Size of the vocabulary, <unk>, <s> and </s> included.
        alphabet_sha256: As given.
        start_state: The state at the beginning of a sentence, after <s>.
    """

    def __init__(self, trie: Trie, alphabet_sha256: str | None = None, path: Path = Path()) -> None:
        self.trie, self.alphabet_sha256, self._path = trie, alphabet_sha256, path
        self.order = len(trie.num_ngrams)
        self.num_words = trie.num_ngrams[0]
        self._first_nodes = np.cumsum(trie.num_ngrams[:-1])  # of orders 2 and up
        self._first_states = np.cumsum(trie.num_states[:-1])  # of context lengths 1 and up
        start = np.array([0]), np.array([trie.sentence_start], np.int32)
        self.start_state = int(self.advance(*start)[0][0])

    @classmethod
    def open(cls, path: Path) -> "NGramModel":
        """A packed model, memory-mapped: no more of the file is read than is asked for.

        Raises:
            LanguageModelError: It cannot be read, is no packed language model, is damaged, cut
                short or of another version.
        """
        packed = open_packed(path)
        return cls(packed.trie, packed.alphabet_sha256, path)

    @classmethod
    def from_table(cls, table: NGramTable, alphabet_sha256: str | None = None) -> "NGramModel":
        """A model in memory.

        Raises:
            ValueError: An n-gram is there twice, or without the n-gram of all its words but the
                last.
        """
        return cls(build_trie(table), alphabet_sha256)

    @cached_property
    def words(self) -> Sequence[str]:
        """Word of each id: <unk>, which has id 0, then the others in code point order.

        Raises:
            LanguageModelError: The vocabulary is damaged.
        """
        try:
            words = self.trie.vocabulary.tobytes().decode().split("\n")[:-1]
        except UnicodeDecodeError as error:
            raise LanguageModelError(self._path, f"is damaged: vocabulary: {error}") from error
        if len(words) != self.num_words:
            raise LanguageModelError(
                self._path, f"is damaged: holds {len(words)} words instead of {self.num_words}"
            )
        return words

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {word: i for i, word in enumerate(self.words)}

    def word_id(self, word: str) -> int:
        """Id of a word; 0, that of <unk>, for any that the model does not know."""
        return self._ids.get(word, 0)

    def advance(
        self, states: NDArray[np.int64], words: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Read a word in each of several states.

        Args:
            states: (n,) from start_state or from here.
            words: (n,) word ids.

        Returns:
            The states after the words, (n,); the natural log-probabilities of the words, (n,).
        """
        trie = self.trie
        contexts = np.asarray(states, np.int64)
        after = np.zeros(len(contexts), np.int64)  # 0: not known yet, or empty
        log_probs = np.zeros(len(contexts))
        is_scored = np.zeros(len(contexts), bool)
        for _ in range(self.order):
            nodes, is_seen = self._find(contexts, words)
            gained = np.where(is_seen, self._log_probs(nodes), self._backoffs(contexts))
            log_probs += np.where(is_scored, 0, gained)
            is_scored |= is_seen
            found = np.searchsorted(trie.contexts, nodes, side="right") - 1
            is_state = is_seen & (trie.contexts.take(found, mode="clip") == nodes)
            after = np.where(is_state & (after == 0), found, after)
            if (is_scored & (after > 0) | (contexts == 0)).all():
                break
            contexts = trie.suffixes.take(contexts, mode="clip").astype(np.int64)
        return after, np.fmin(np.fmax(log_probs, _LOWEST), 0).astype(np.float32)

    def end_log_probs(self, states: NDArray[np.int64]) -> NDArray[np.float32]:
        """Natural log-probabilities, (n,), that the sentence ends in each of several states."""
        ends = np.full(len(states), self.trie.sentence_end, np.int32)
        return self.advance(states, ends)[1]

    def sentence_log_prob(self, words: Sequence[str]) -> tuple[float, int]:
        """Natural log-probability of a sentence, its end included, and how many words are unknown.

        Unknown words count with the probability of <unk>.
        """
        ids = [self.word_id(word) for word in words]
        state, log_prob = np.array([self.start_state]), 0.0
        for word in (*ids, self.trie.sentence_end):
            state, log_probs = self.advance(state, np.array([word], np.int32))
            log_prob += float(log_probs[0])
        return log_prob, ids.count(0)

    def _find(
        self, states: NDArray[np.int64], words: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The node of each word among the children of its state, by bisection; and if it is one.

        Indices are clipped everywhere, so that a damaged file gives a wrong answer and no crash.
        """
        trie = self.trie
        low = trie.children.take(states, mode="clip").astype(np.int64)
        size = trie.children.take(states + 1, mode="clip") - low
        is_root = states == 0  # the unigrams are at their words' ids
        low, size = np.where(is_root, words, low), np.where(is_root, 1, size)
        stop = low + size
        for _ in range(int(size.max(initial=0)).bit_length()):
            half = size >> 1
            middle = low + half
            is_below = trie.words.take(middle, mode="clip") < words
            low = np.where(is_below, middle + 1, low)
            size = np.where(is_below, size - half - 1, half)
        return low, (low < stop) & (trie.words.take(low, mode="clip") == words)

    def _log_probs(self, nodes: NDArray[np.int64]) -> NDArray[np.float32]:
        values: NDArray[np.float32] = self.trie.log_probs.take(nodes, mode="clip")
        if self.trie.is_quantized:
            orders = self._first_nodes.searchsorted(nodes, side="right")
            values = self.trie.codebooks[orders, values]
        return values

    def _backoffs(self, states: NDArray[np.int64]) -> NDArray[np.float32]:
        values: NDArray[np.float32] = self.trie.backoffs.take(states, mode="clip")
        if self.trie.is_quantized:
            lengths = self._first_states.searchsorted(states, side="right")
            values = self.trie.codebooks[self.order + lengths, values]
        return values
