"""Sequences of labels as a prefix tree in flat arrays."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speechlstm.text.lexicon import MAX_SYMBOLS

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Labels = NDArray[np.unsignedinteger[Any]]  # uint8 or uint16

_BLOCK = 64  # labels whose presence among a node's children is one word of memory
_BIT = np.uint64(1) << np.arange(_BLOCK, dtype=np.uint64)
_BITS_BEFORE = _BIT - np.uint64(1)


@dataclass(frozen=True)
class PrefixTree:
    """A prefix tree whose nodes are numbered breadth first, so that siblings lie side by side.

    Node 0 is the root. The node `outside`, one past the last, stands for every sequence that the
    tree lacks: no label leads out of it again.

    Attributes:
        num_labels: Labels are 1 to num_labels - 1.
        labels: (num_nodes,), the label that leads to each node, rising among siblings; that of the
            root is 0.
        num_children: (num_nodes,).
        num_values: (num_nodes,), how many values the sequence has that ends in each node.
        values: (sum of num_values,), in the order of their nodes.
    """

    num_labels: int
    labels: Labels
    num_children: Labels
    num_values: NDArray[np.uint16]
    values: NDArray[np.int32]

    @classmethod
    def build(cls, num_labels: int, sequences: Labels, values: NDArray[np.int32]) -> "PrefixTree":
        """A tree from sequences in any order; a sequence may have several values.

        Args:
            num_labels: As above.
            sequences: (num_sequences, longest), labels from 1 up; zeros fill up a row.
            values: One a sequence.
        """
        rows, values = _sorted_distinct(sequences, values)
        ends = np.zeros(len(rows), np.int64)  # the node of each row's labels so far
        labels, parents, num_nodes = [np.zeros(1, rows.dtype)], [ends[:0]], 1
        longer = np.arange(len(rows))
        for column in rows.T:
            longer = longer[column[longer] > 0]
            is_new = np.diff(ends[longer] * num_labels + column[longer], prepend=-1) != 0
            labels.append(column[longer[is_new]])
            parents.append(ends[longer[is_new]])
            ends[longer] = num_nodes - 1 + np.cumsum(is_new)
            num_nodes += len(labels[-1])
        return cls(
            num_labels,
            np.concatenate(labels),
            np.bincount(np.concatenate(parents), minlength=num_nodes).astype(rows.dtype),
            np.bincount(ends, minlength=num_nodes).astype(np.uint16),
            values[np.argsort(ends, kind="stable")],
        )

    @property
    def outside(self) -> int:
        """The node of the sequences that the tree lacks."""
        return len(self.labels)

    @cached_property
    def first_values(self) -> Integers:
        """(outside + 2,): the values of node n are those from first_values[n] to [n + 1] - 1."""
        return np.concatenate(([0], np.cumsum(self.num_values, dtype=np.int64), [len(self.values)]))

    @cached_property
    def _parents(self) -> Integers:
        """The parent of node 1, 2, ..."""
        return np.repeat(np.arange(self.outside), self.num_children)

    @cached_property
    def _num_blocks(self) -> int:
        return 1 + (self.num_labels - 1) // _BLOCK

    @cached_property
    def _blocks(self) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """For each node and block: the bits of its children's labels; its first child."""
        labels = self.labels[1:].astype(np.int64)
        blocks = self._parents * self._num_blocks + labels // _BLOCK  # rises from node to node
        starts = np.flatnonzero(np.diff(blocks, prepend=-1))
        bits = np.zeros((self.outside + 1) * self._num_blocks, np.uint64)
        first = np.zeros(len(bits), np.int64)
        if starts.size:
            bits[blocks[starts]] = np.bitwise_or.reduceat(_BIT[labels % _BLOCK], starts)
            first[blocks[starts]] = starts + 1
        return bits, first

    def check(self, num_values: int) -> None:
        """Refuse arrays that make no tree, as those of a file may.

        Args:
            num_values: Values are 0 to num_values - 1.

        Raises:
            ValueError: What is wrong.
        """
        if not self.outside or int(self.num_children.sum(dtype=np.int64)) != self.outside - 1:
            raise ValueError("numbers of children do not make a tree")
        if (self._parents > np.arange(self.outside - 1)).any():
            raise ValueError("a node comes before its parent")
        labels, siblings = self.labels[1:], np.diff(self._parents) == 0
        if ((labels < 1) | (labels >= self.num_labels)).any():
            raise ValueError("a label is out of range")
        if len(list(islice(self._levels(), MAX_SYMBOLS + 2))) > MAX_SYMBOLS + 1:
            raise ValueError(f"a word has more than {MAX_SYMBOLS} symbols")
        if (labels[1:] <= labels[:-1])[siblings].any():
            raise ValueError("labels of siblings do not rise")
        if int(self.num_values.sum(dtype=np.int64)) != len(self.values):
            raise ValueError("numbers of values do not add up")
        if ((self.values < 0) | (self.values >= num_values)).any():
            raise ValueError("a value is out of range")

    def children(self, nodes: Integers, labels: Integers) -> Integers:
        """The node to which each label leads from each node; `outside` where it leads nowhere."""
        bits, first = self._blocks
        if self._num_blocks > 1:
            nodes = nodes * self._num_blocks + labels // _BLOCK
            labels = labels % _BLOCK
        present = bits[nodes]
        children = first[nodes] + np.bitwise_count(present & _BITS_BEFORE[labels])
        children[present & _BIT[labels] == 0] = self.outside
        return children

    def best_below(self, scores: Floats) -> Floats:
        """The best score among the sequences that begin as each node's, (outside + 1,).

        Args:
            scores: One for each of `values`.

        Returns:
            -inf where there is no sequence.
        """
        best = np.full(self.outside + 1, -np.inf)
        ends = np.flatnonzero(self.num_values)
        best[ends] = np.maximum.reduceat(scores, self.first_values[ends]) if ends.size else 0
        levels = list(self._levels())
        for start, end in levels[:0:-1]:
            firsts = start + np.flatnonzero(np.diff(self._parents[start - 1 : end - 1], prepend=-1))
            parents = self._parents[firsts - 1]
            best[parents] = np.maximum(best[parents], np.maximum.reduceat(best[:end], firsts))
        return best

    def sequence(self, index: int) -> tuple[int, ...]:
        """The labels of the sequence that has a value, given by its index in `values`."""
        node = int(self.first_values.searchsorted(index, side="right")) - 1
        labels = []
        while node:
            labels.append(int(self.labels[node]))
            node = int(self._parents[node - 1])
        return tuple(labels[::-1])

    def _levels(self) -> Iterator[tuple[int, int]]:
        """First node and one past the last of each depth, from the root down."""
        start, stop = 0, 1
        while start < stop:
            yield start, stop
            start, stop = stop, stop + int(self.num_children[start:stop].sum())


def _sorted_distinct(
    sequences: Labels, values: NDArray[np.int32]
) -> tuple[Labels, NDArray[np.int32]]:
    """The rows in the order of their labels, then values; one that is there twice comes once."""
    if not sequences.size:
        return sequences, values
    big_endian = np.ascontiguousarray(sequences, sequences.dtype.newbyteorder(">"))
    as_bytes = big_endian.view(f"S{big_endian.itemsize * big_endian.shape[1]}").ravel()
    order = np.argsort(values, kind="stable")
    order = order[np.argsort(as_bytes[order], kind="stable")]
    rows, values, as_bytes = sequences[order], values[order], as_bytes[order]
    is_new = np.ones(len(rows), bool)
    is_new[1:] = (as_bytes[1:] != as_bytes[:-1]) | (values[1:] != values[:-1])
    return rows[is_new], values[is_new]
