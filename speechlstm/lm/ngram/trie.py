"""An n-gram model as a trie in flat arrays, to be written, memory-mapped and searched.

Nodes are the n-grams: first the unigrams, each at the id of its word, then the bigrams, and so on.
Each order is sorted by context and then by word, so that the words that follow a context are
adjacent and sorted. States are the contexts of a search: state 0 is the empty context; then follow,
in the order of their nodes, all n-grams that are a prefix of others or have a back-off weight.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speechlstm.lm.ngram.table import SENTENCE_END, SENTENCE_START, UNKNOWN, NGramTable

Integers = NDArray[np.int64]

NATURAL = np.float32(np.log(10))  # natural logarithms from base 10
NUM_CODES = 256  # the values of a byte


@dataclass(frozen=True)
class Trie:
    """The arrays of a trie. Logarithms are natural.

    Attributes:
        num_ngrams: The number of nodes of each order; at order 1, the size of the vocabulary.
        num_states: The number of states for each context length: 0, 1, ... One entry for each
            order.
        start_state: The state after <s>.
        vocabulary: uint8, the words in UTF-8, each followed by a line feed: <unk>, then the others
            in code point order.
        words: (num_nodes,) uint16 or uint32, the id of each node's last word.
        log_probs: (num_nodes,) float32, of the last word given those before it; or uint8 codes.
        contexts: (num_states,) uint32, the node of each state, ascending; 0 for state 0, which has
            none.
        children: (num_states + 1,) uint32: nodes children[s] to children[s + 1] - 1 follow state s.
        suffixes: (num_states,) uint32, the state of the longest proper suffix that is a state.
        backoffs: (num_states,) float32, log weight of that suffix for words that do not follow the
            state; or uint8 codes.
        codebooks: float32, (0, 256) if there are no codes, otherwise (2 * order, 256): the values
            of the codes of log_probs for each order of nodes, then of backoffs for each context
            length.
    """

    num_ngrams: tuple[int, ...]
    num_states: tuple[int, ...]
    start_state: int
    sentence_end: int
    vocabulary: NDArray[np.uint8]
    words: NDArray[np.uint16 | np.uint32]
    log_probs: NDArray[Any]
    contexts: NDArray[np.uint32]
    children: NDArray[np.uint32]
    suffixes: NDArray[np.uint32]
    backoffs: NDArray[Any]
    codebooks: NDArray[np.float32]

    @property
    def is_quantized(self) -> bool:
        """Whether log_probs and backoffs are codes."""
        return len(self.codebooks) > 0


def build_trie(table: NGramTable) -> Trie:
    """Sort the n-grams of a table into a trie. Words get new ids.

    Raises:
        ValueError: An n-gram is repeated, or its prefix is missing.
    """
    sorter = _Sorter(table)
    state_rows = _state_rows(sorter)
    first_nodes = np.cumsum([0, *map(len, sorter.rows)])
    children = [
        first + np.searchsorted(parents, rows)
        for first, parents, rows in zip(first_nodes, sorter.parents, state_rows, strict=False)
    ]
    nodes = [first + rows for first, rows in zip(first_nodes, state_rows[1:], strict=False)]
    contexts = np.concatenate([np.zeros(1), *nodes]).astype(np.uint32)
    after_start = np.flatnonzero(contexts[1:] == sorter.vocabulary.index(SENTENCE_START)) + 1
    backoffs = [
        values[rows] for values, rows in zip(sorter.log10_backoffs, state_rows[1:], strict=False)
    ]
    word_type = np.uint16 if len(sorter.vocabulary) <= 2**16 else np.uint32
    return Trie(
        num_ngrams=tuple(map(len, sorter.rows)),
        num_states=tuple(map(len, state_rows)),
        start_state=int(after_start.sum()),  # there is one such state, or none
        sentence_end=sorter.vocabulary.index(SENTENCE_END),
        vocabulary=np.frombuffer("".join(f"{w}\n" for w in sorter.vocabulary).encode(), np.uint8),
        words=np.concatenate([rows[:, -1] for rows in sorter.rows]).astype(word_type),
        log_probs=np.concatenate(sorter.log10_probs) * NATURAL,
        contexts=contexts,
        children=np.concatenate([*children, first_nodes[-1:]]).astype(np.uint32),
        suffixes=_suffixes(sorter, state_rows).astype(np.uint32),
        backoffs=np.concatenate([np.zeros(1, np.float32), *backoffs]) * NATURAL,
        codebooks=np.empty((0, NUM_CODES), np.float32),
    )


class _Sorter:
    """The n-grams of a table in the order of their nodes; row i of an order is its i-th node."""

    def __init__(self, table: NGramTable) -> None:
        ids = sorted(range(1, len(table.vocabulary)), key=table.vocabulary.__getitem__)
        self.vocabulary = [UNKNOWN, *(table.vocabulary[i] for i in ids)]
        new_ids = np.argsort([0, *ids]).astype(np.int32)
        self.rows: list[NDArray[np.int32]] = []  # of each order, (num_ngrams, n) new word ids
        self.parents: list[Integers] = []  # of each order: the row of all words except the last
        self.log10_probs: list[NDArray[np.float32]] = []
        self.log10_backoffs: list[NDArray[np.float32]] = []
        self._keys: list[Integers] = []
        for ngrams in table.orders:
            rows = new_ids[ngrams.words]
            parents = self.locate(rows[:, :-1])
            if (parents < 0).any():
                lost = self._text(rows[parents.argmin()])
                raise ValueError(f"the prefix of the n-gram {lost!r} is missing")
            keys = self._key(parents, rows[:, -1])
            order = np.argsort(keys, kind="stable")
            self.rows.append(rows[order])
            self.parents.append(parents[order])
            self.log10_probs.append(ngrams.log10_probs[order])
            self.log10_backoffs.append(ngrams.log10_backoffs[order])
            self._keys.append(keys[order])
            twice = np.flatnonzero(np.diff(self._keys[-1]) == 0)
            if twice.size:
                raise ValueError(f"the n-gram {self._text(self.rows[-1][twice[0]])!r} is repeated")

    def locate(self, ngrams: NDArray[np.int32]) -> Integers:
        """The row within its order of each n-gram, given as (num, n) word ids; -1: not found."""
        located = np.zeros(len(ngrams), np.int64)
        for keys, words in zip(self._keys, ngrams.T, strict=False):
            wanted = self._key(located, words)
            if not keys.size:  # an order without n-grams
                return np.full(len(ngrams), -1, np.int64)
            positions = np.searchsorted(keys, wanted)
            located = np.where(keys.take(positions, mode="clip") == wanted, positions, -1)
        return located

    def _key(self, parents: Integers, words: NDArray[np.int32]) -> Integers:
        return parents * len(self.vocabulary) + words  # for parent -1 negative, so never found

    def _text(self, row: NDArray[np.int32]) -> str:
        return " ".join(self.vocabulary[i] for i in row)


def _state_rows(sorter: _Sorter) -> list[Integers]:
    """For each context length, from 0: the rows, within their order, of the states."""
    rows = [np.zeros(1, np.int64)]
    for backoffs, parents in zip(sorter.log10_backoffs, sorter.parents[1:], strict=False):
        is_state = backoffs != 0
        is_state[parents] = True
        rows.append(np.flatnonzero(is_state))
    return rows


def _suffixes(sorter: _Sorter, state_rows: list[Integers]) -> Integers:
    """For each state, the state of its longest proper suffix that is a state."""
    first_states = np.cumsum([0, *map(len, state_rows)])
    states = [np.zeros(1, np.int64)]  # by context length: the state of each row, or 0
    suffixes = [np.zeros(1, np.int64)]
    for length, rows in enumerate(state_rows[1:], start=1):
        ngrams = sorter.rows[length - 1]
        longest = np.zeros(len(rows), np.int64)
        for shorter in range(1, length):
            located = sorter.locate(ngrams[rows, length - shorter :])
            state = np.where(located >= 0, states[shorter].take(located, mode="clip"), 0)
            longest = np.where(state > 0, state, longest)
        suffixes.append(longest)
        states.append(np.zeros(len(ngrams), np.int64))
        states[-1][rows] = first_states[length] + np.arange(len(rows))
    return np.concatenate(suffixes)
