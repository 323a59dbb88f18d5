"""An n-gram table as a trie in flat arrays, ready to be written, memory-mapped and searched.

Nodes are the n-grams: first the unigrams, each at its word's id, then the bigrams, and so on, each
order sorted by context, then by word; so what continues a context lies together, sorted by word.
States are the contexts that a search can be in: 0 is the empty one; then, in the order of their
nodes, all n-grams that something continues or that have a back-off weight.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speechlstm.lm.ngram.table import SENTENCE_END, SENTENCE_START, UNKNOWN, NGramTable

Integers = NDArray[np.int64]

NATURAL = np.float32(np.log(10))  # natural logarithms from base 10
NUM_CODES = 256  # of a quantised value: a byte's


@dataclass(frozen=True)
class Trie:
    """The arrays of a trie. Logarithms are natural.

    Attributes:
        num_ngrams: Nodes of each order; those of order 1 are the vocabulary.
        num_states: States whose context has length 0, 1, ...; one entry an order.
        start_state: The state after <s>.
        sentence_end: Id of the word </s>.
        vocabulary: uint8, the words in UTF-8, a line feed after each: <unk>, then the others in
            code point order.
        words: (num_nodes,) uint16 or uint32, the id of each node's last word.
        log_probs: (num_nodes,) float32, of the last word after those before it; or uint8 codes.
        contexts: (num_states,) uint32, the node of each state, ascending; state 0, which has none,
            holds a 0.
        children: (num_states + 1,) uint32: nodes children[s] to children[s + 1] - 1 continue s.
        suffixes: (num_states,) uint32, the state of the longest proper suffix that is a state.
        backoffs: (num_states,) float32, log weight of that suffix for words that do not continue
            the state; or uint8 codes.
        codebooks: float32, (0, 256) where there are no codes, otherwise (2 * order, 256): what the
            codes of log_probs mean at each order of node, then those of backoffs at each length
            of context.
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
    """Sort the n-grams of a table into a trie; words get new ids.

    Raises:
        ValueError: An n-gram is there twice, or without the n-gram of all its words but the last.
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
        start_state=int(after_start.sum()),  # of one state or none
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
        self.parents: list[Integers] = []  # of each order: the row of all words but the last
        self.log10_probs: list[NDArray[np.float32]] = []
        self.log10_backoffs: list[NDArray[np.float32]] = []
        self._keys: list[Integers] = []
        for ngrams in table.orders:
            rows = new_ids[ngrams.words]
            parents = self.locate(rows[:, :-1])
            if (parents < 0).any():
                lost = self._text(rows[parents.argmin()])
                raise ValueError(f"the n-gram {lost!r} is there without its own beginning")
            keys = self._key(parents, rows[:, -1])
            order = np.argsort(keys, kind="stable")
            self.rows.append(rows[order])
            self.parents.append(parents[order])
            self.log10_probs.append(ngrams.log10_probs[order])
            self.log10_backoffs.append(ngrams.log10_backoffs[order])
            self._keys.append(keys[order])
            twice = np.flatnonzero(np.diff(self._keys[-1]) == 0)
            if twice.size:
                raise ValueError(f"the n-gram {self._text(self.rows[-1][twice[0]])!r} is twice")

    def locate(self, ngrams: NDArray[np.int32]) -> Integers:
        """The row of each n-gram, given as (num, n) word ids, within its order; -1 if not there."""
        located = np.zeros(len(ngrams), np.int64)
        for keys, words in zip(self._keys, ngrams.T, strict=False):
            wanted = self._key(located, words)
            positions = np.searchsorted(keys, wanted)
            located = np.where(keys.take(positions, mode="clip") == wanted, positions, -1)
        return located

    def _key(self, parents: Integers, words: NDArray[np.int32]) -> Integers:
        return parents * len(self.vocabulary) + words  # of a parent -1: negative, found nowhere

    def _text(self, row: NDArray[np.int32]) -> str:
        return " ".join(self.vocabulary[i] for i in row)


def _state_rows(sorter: _Sorter) -> list[Integers]:
    """For each context length, 0 first: the rows, within their order, of what is a state."""
    rows = [np.zeros(1, np.int64)]
    for backoffs, parents in zip(sorter.log10_backoffs, sorter.parents[1:], strict=False):
        is_state = backoffs != 0
        is_state[parents] = True
        rows.append(np.flatnonzero(is_state))
    return rows


def _suffixes(sorter: _Sorter, state_rows: list[Integers]) -> Integers:
    """For each state: the state of its longest proper suffix that is one."""
    first_states = np.cumsum([0, *map(len, state_rows)])
    states = [np.zeros(1, np.int64)]  # by context length: the state of each row, 0 if it is none
    suffixes = [np.zeros(1, np.int64)]
    for length, rows in enumerate(state_rows[1:], start=1):
        ngrams = sorter.rows[length - 1]
        found = np.zeros(len(rows), np.int64)
        for shorter in range(1, length):
            located = sorter.locate(ngrams[rows, length - shorter :])
            state = np.where(located >= 0, states[shorter].take(located, mode="clip"), 0)
            found = np.where(state > 0, state, found)
        suffixes.append(found)
        states.append(np.zeros(len(ngrams), np.int64))
        states[-1][rows] = first_states[length] + np.arange(len(rows))
    return np.concatenate(suffixes)
