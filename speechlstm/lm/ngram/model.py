"""The n-gram language model as decoders query it: many words in many contexts at once."""

from bisect import bisect, bisect_left
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from itertools import islice
from operator import gt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speechlstm.arguments import StrPath
from speechlstm.errors import LanguageModelError
from speechlstm.lm.model import SearchModel
from speechlstm.lm.ngram.arpa import is_arpa, read_arpa
from speechlstm.lm.ngram.packed import open_packed, verify_packed
from speechlstm.lm.ngram.table import NGrams, NGramTable, in_normal_form
from speechlstm.lm.ngram.trie import NATURAL, Trie, build_trie

_MEMORY = 1 << 15  # cached results for a search: about 8 MB
_LOWEST = -1e4  # natural log; keeps the values of a damaged file finite


class NGramModel(SearchModel):
    """A back-off n-gram model.

    A state is the longest suffix of the context that the model has as a context. Equal states have
    equal futures; state 0 is the empty context.

    >>> from speechlstm.lm.ngram.estimate import estimate
    >>> from speechlstm.lm.text import tokenize
    >>> text = tokenize(["good day", "good night"])
    >>> model = NGramModel.from_table(estimate(text, order=2).table)
    >>> log_prob, num_unknown = model.sentence_log_prob(["good", "evening"])
    >>> log_prob < model.sentence_log_prob(["good", "day"])[0], num_unknown
    (True, 1)

    Args:
        alphabet_sha256: SHA-256 of the alphabet of the words; None: not known.
        path: The file of the model, for errors.

    Attributes:
        order: Length of the longest n-grams.
    """

    def __init__(self, trie: Trie, alphabet_sha256: str | None = None, path: Path = Path()) -> None:
        self.trie, self.alphabet_sha256, self.path = trie, alphabet_sha256, path
        self.order = len(trie.num_ngrams)
        self.num_words = trie.num_ngrams[0]
        self._words, self._children = trie.words.data, trie.children.data
        self._suffixes = trie.suffixes.data
        self._first_nodes = np.cumsum(trie.num_ngrams[:-1])  # of orders 2 and up
        self._first_states = np.cumsum(trie.num_states[:-1])  # of context lengths 1 and up
        self.num_states = len(trie.contexts)
        self.start_state, self.sentence_end = trie.start_state, trie.sentence_end
        self._log_prob: Callable[[int], float] = trie.log_probs.item  # of a node
        self._backoff: Callable[[int], float] = trie.backoffs.item  # of a state
        if trie.is_quantized:
            self._log_prob, self._backoff = self._coded_log_prob, self._coded_backoff
            # Python reads lists and memoryviews faster than arrays.
            self._codebooks, self._codes = trie.codebooks.tolist(), trie.log_probs.data
            self._backoff_codes = trie.backoffs.data
            self._node_bounds = self._first_nodes.tolist()
            self._state_bounds = self._first_states.tolist()
        # A search queries the same words in the same contexts in many consecutive frames.
        self._cached_step = lru_cache(_MEMORY)(self.step)

    @classmethod
    def open(cls, path: StrPath) -> "NGramModel":
        """Open a packed model, memory-mapped: only the parts that are queried are read.

        Raises:
            LanguageModelError: The file cannot be read, is not a packed language model, or is
                damaged, truncated or of another version.
        """
        path = Path(path)
        packed = open_packed(path)
        return cls(packed.trie, packed.alphabet_sha256, path)

    @classmethod
    def load(cls, path: StrPath) -> "NGramModel":
        """Load a packed model and verify all of it, or read an ARPA file (recognised by its name).

        The words of an ARPA file get the form that they have in transcripts: HELLO becomes hello.

        Raises:
            LanguageModelError: The file cannot be read, is damaged or is something else.
        """
        path = Path(path)
        if not is_arpa(path):
            verify_packed(path)
            return cls.open(path)
        try:
            table, _ = in_normal_form(read_arpa(path))
            return cls(build_trie(table), None, path)
        except ValueError as error:
            raise LanguageModelError(path, str(error)) from error

    @classmethod
    def from_table(cls, table: NGramTable) -> "NGramModel":
        """A model in memory.

        Raises:
            ValueError: An n-gram is repeated, or its prefix is missing.
        """
        return cls(build_trie(table))

    def to_table(self) -> NGramTable:
        """All n-grams: the inverse of from_table."""
        trie = self.trie
        children = trie.children.astype(np.int64)
        parents = np.repeat(np.arange(len(trie.contexts)), children[1:] - children[:-1])
        log_probs = self._log_probs(np.arange(len(trie.words)))
        backoffs = np.zeros(len(trie.words), np.float32)
        backoffs[trie.contexts[1:]] = self._backoffs(np.arange(1, len(trie.contexts)))
        ngrams, orders = np.empty((1, 0), np.int32), []  # of the order below
        first = before = 0  # nodes of this order and of the order below
        for size in trie.num_ngrams:
            nodes = slice(first, first + size)
            prefixes = ngrams[trie.contexts[parents[nodes]] - before]
            ngrams = np.column_stack([prefixes, trie.words[nodes]]).astype(np.int32)
            orders.append(NGrams(ngrams, log_probs[nodes] / NATURAL, backoffs[nodes] / NATURAL))
            first, before = first + size, first
        return NGramTable(self.words, orders)

    @cached_property
    def words(self) -> Sequence[str]:
        """The word of each id: <unk>, which has id 0, then the others in code point order.

        Raises:
            LanguageModelError: The vocabulary is damaged.
        """
        try:
            words = self.trie.vocabulary.tobytes().decode().split("\n")[:-1]
        except UnicodeDecodeError as error:
            raise LanguageModelError(self.path, f"is damaged: vocabulary: {error}") from error
        if len(words) != self.num_words:
            raise LanguageModelError(
                self.path, f"is damaged: has {len(words)} words instead of {self.num_words}"
            )
        return words

    def word_ids(self, words: Sequence[str]) -> NDArray[np.int32]:
        """The ids of many words, (len(words),); in half the time if they are in code point order.

        They are merged with the vocabulary then, because a dictionary of it misses the cache.
        """
        if any(map(gt, words, islice(words, 1, None))):
            return super().word_ids(words)
        known_words = zip(islice(self.words, 1, None), range(1, self.num_words), strict=True)
        known, known_id = "", 0
        ids = []
        for word in words:
            while known < word:
                known, known_id = next(known_words, (words[-1], 0))
            ids.append(known_id if known == word else 0)
        return np.array(ids, np.int32)

    @property
    def unigram_log_probs(self) -> NDArray[np.float32]:
        """Natural log-probability of each word without context, (num_words,)."""
        log_probs = self._log_probs(np.arange(self.num_words))
        return np.fmin(np.fmax(log_probs, _LOWEST), 0)

    def advance(
        self, states: NDArray[np.int64], words: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Read a word in each of several states: see LanguageModel."""
        trie, columns = self.trie, np.arange(len(states))
        # Row k: the contexts without their first k words; the last row is the empty context.
        contexts = np.zeros((self.order, len(states)), np.int64)
        contexts[0] = states
        for row in range(1, self.order):
            contexts[row] = trie.suffixes.take(contexts[row - 1], mode="clip")
        nodes = self._find(contexts, words)
        is_seen = nodes >= 0
        longest = is_seen.argmax(axis=0)
        is_backed_off = np.arange(self.order)[:, np.newaxis] < longest
        log_probs = np.where(is_backed_off, self._backoffs(contexts), 0).sum(axis=0)
        log_probs += self._log_probs(nodes[longest, columns])
        after = np.where(is_seen, self._states.take(nodes, mode="clip"), 0)
        return (
            after[(after > 0).argmax(axis=0), columns].astype(np.int64),
            np.fmin(np.fmax(log_probs, _LOWEST), 0).astype(np.float32),
        )

    def search(
        self, states: NDArray[np.int64], words: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """As advance, word by word and with a cache.

        Raises:
            LanguageModelError: The model is damaged.
        """
        steps = list(map(self._cached_step, states.tolist(), words.tolist()))
        after, log_probs = zip(*steps, strict=True) if steps else ((), ())
        return np.array(after, np.int64), np.array(log_probs, np.float32)

    def step(self, state: int, word: int) -> tuple[int, float]:
        """Read one word in one state. For a few dozen words this is faster than `advance`.

        Raises:
            LanguageModelError: The model is damaged.
        """
        log_prob, after, is_scored = 0.0, 0, False
        try:
            for _ in range(self.order):
                first, stop = self._children[state], self._children[state + 1]
                # The node of a unigram is the id of its word.
                node = bisect_left(self._words, word, first, stop) if state else word
                if not state or (node < stop and self._words[node] == word):
                    if not is_scored:
                        log_prob, is_scored = log_prob + self._log_prob(node), True
                    after = self._states.item(min(node, len(self._states) - 1))
                    if after:
                        break
                elif not is_scored:
                    log_prob += self._backoff(state)
                state = self._suffixes[state]
        except (IndexError, ValueError) as error:
            raise LanguageModelError(self.path, f"is damaged: {error}") from error
        return after, min(0.0, max(_LOWEST, log_prob))  # in this order: NaN becomes the lowest

    def _find(self, contexts: NDArray[np.int64], words: NDArray[np.int32]) -> NDArray[np.int64]:
        """The node of each word, (n,), in each context, (order, n); -1 if there is none.

        Python's bisect searches the children of a context as fast as NumPy's searchsorted, which
        needs an 8-byte key for each node, and twice as fast as a binary search by NumPy in 50
        contexts at once. Indices are clipped, so that a damaged file cannot crash it.
        """
        trie, shorter = self.trie, contexts[:-1].ravel()
        first = trie.children.take(shorter, mode="clip")
        stop = np.minimum(trie.children.take(shorter + 1, mode="clip"), len(trie.words))
        stop[shorter == 0] = 0  # the last row has the unigrams
        wanted = np.tile(words, self.order - 1)
        places = zip(wanted.tolist(), first.tolist(), stop.tolist(), strict=True)
        positions = np.array([bisect_left(self._words, *place) for place in places], np.int64)
        is_seen = (positions < stop) & (trie.words.take(positions, mode="clip") == wanted)
        nodes = np.empty_like(contexts)
        nodes[:-1] = np.where(is_seen, positions, -1).reshape(nodes[:-1].shape)
        nodes[-1] = words  # the node of a unigram is the id of its word
        return nodes

    @cached_property
    def _states(self) -> NDArray[np.uint32]:
        """The state of each node below the highest order (0: it is no state), followed by a 0."""
        states = np.zeros(sum(self.trie.num_ngrams[:-1]) + 1, np.uint32)
        nodes = np.minimum(self.trie.contexts[1:], len(states) - 1)
        states[nodes] = np.arange(1, len(nodes) + 1)
        states[-1] = 0
        return states

    def _log_probs(self, nodes: NDArray[np.int64]) -> NDArray[np.float32]:
        values: NDArray[np.float32] = self.trie.log_probs.take(nodes, mode="clip")
        if self.trie.is_quantized:
            orders = self._first_nodes.searchsorted(nodes, side="right")
            values = self.trie.codebooks[orders, values]
        return values

    def _coded_log_prob(self, node: int) -> float:
        value: float = self._codebooks[bisect(self._node_bounds, node)][self._codes[node]]
        return value

    def _coded_backoff(self, state: int) -> float:
        length = bisect(self._state_bounds, state)
        value: float = self._codebooks[self.order + length][self._backoff_codes[state]]
        return value

    def _backoffs(self, states: NDArray[np.int64]) -> NDArray[np.float32]:
        values: NDArray[np.float32] = self.trie.backoffs.take(states, mode="clip")
        if self.trie.is_quantized:
            lengths = self._first_states.searchsorted(states, side="right")
            values = self.trie.codebooks[self.order + lengths, values]
        return values
