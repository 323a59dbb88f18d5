"""A prefix tree of label sequences, in flat arrays."""

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

_BLOCK = 64  # labels for which one integer has the bits of a node's children
_BIT = np.uint64(1) << np.arange(_BLOCK, dtype=np.uint64)
_BITS_BEFORE = _BIT - np.uint64(1)


@dataclass(frozen=True)
class PrefixTree:
    """A prefix tree. Nodes are numbered breadth first, so that siblings are adjacent.

    Node 0 is the root. The node `outside`, one after the last, stands for all sequences that are
    not in the tree; no label leads out of it.

    Attributes:
        num_labels: Labels are 1 to num_labels - 1.
        labels: (num_nodes,), the label that leads to each node, ascending among siblings; 0 for the
            root.
        num_children: (num_nodes,), the number of children of each node.
        num_values: (num_nodes,), the number of values of the sequence that ends in each node.
        values: (sum of num_values,), in the order of their nodes.
    """

    num_labels: int
    labels: Labels
    num_children: Labels
    num_values: NDArray[np.uint16]
    values: NDArray[np.int32]

    @classmethod
    def build(cls, num_labels: int, sequences: Labels, values: NDArray[np.int32]) -> "PrefixTree":
        """Build a tree from sequences in any order. A sequence may have several values.

        Args:
            num_labels: Labels are 1 to num_labels - 1.
            sequences: (num_sequences, longest), labels, padded with zeros.
            values: The value of each sequence.
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
        """The node of the sequences that are not in the tree."""
        return len(self.labels)

    @cached_property
    def first_values(self) -> Integers:
        """(outside + 2,): the values of node n are first_values[n] to first_values[n + 1] - 1."""
        return np.concatenate(([0], np.cumsum(self.num_values, dtype=np.int64), [len(self.values)]))

    @cached_property
    def _parents(self) -> Integers:
        """The parents of nodes 1, 2, ..."""
        return np.repeat(np.arange(self.outside), self.num_children)

    @cached_property
    def _num_blocks(self) -> int:
        return 1 + (self.num_labels - 1) // _BLOCK

    @cached_property
    def _blocks(self) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """For each node and block, the bits of its children's labels and the first child."""
        labels = self.labels[1:].astype(np.int64)
        blocks = self._parents * self._num_blocks + labels // _BLOCK  # ascending
        starts = np.flatnonzero(np.diff(blocks, prepend=-1))
        bits = np.zeros((self.outside + 1) * self._num_blocks, np.uint64)
        first = np.zeros(len(bits), np.int64)
        if starts.size:
            bits[blocks[starts]] = np.bitwise_or.reduceat(_BIT[labels % _BLOCK], starts)
            first[blocks[starts]] = starts + 1
        return bits, first

    def check(self, num_values: int) -> None:
        """Refuse arrays that are not a valid tree, as in a damaged file.

        Args:
            num_values: Values are 0 to num_values - 1.

        Raises:
            ValueError: The arrays are not valid; the message gives the reason.
        """
        if not self.outside or int(self.num_children.sum(dtype=np.int64)) != self.outside - 1:
            raise ValueError("the numbers of children are not those of a tree")
        if (self._parents > np.arange(self.outside - 1)).any():
            raise ValueError("a node comes before its parent")
        labels, siblings = self.labels[1:], np.diff(self._parents) == 0
        if ((labels < 1) | (labels >= self.num_labels)).any():
            raise ValueError("a label is out of range")
        if len(list(islice(self._levels(), MAX_SYMBOLS + 2))) > MAX_SYMBOLS + 1:
            raise ValueError(f"a word has more than {MAX_SYMBOLS} symbols")
        if (labels[1:] <= labels[:-1])[siblings].any():
            raise ValueError("labels of siblings are not in ascending order")
        if int(self.num_values.sum(dtype=np.int64)) != len(self.values):
            raise ValueError("the numbers of values do not add up")
        if ((self.values < 0) | (self.values >= num_values)).any():
            raise ValueError("a value is out of range")

    def children(self, nodes: Integers, labels: Integers) -> Integers:
        """The node that each label leads to from each node; `outside` if there is none."""
        bits, first = self._blocks
        if self._num_blocks > 1:
            nodes = nodes * self._num_blocks + labels // _BLOCK
            labels = labels % _BLOCK
        present = bits[nodes]
        children = first[nodes] + np.bitwise_count(present & _BITS_BEFORE[labels])
        children[present & _BIT[labels] == 0] = self.outside
        return children

    def best_below(self, scores: Floats) -> Floats:
        """The best score of all sequences that begin with each node's sequence, (outside + 1,).

        Args:
            scores: The score of each entry of `values`.

        Returns:
            The best scores; -inf if there is no sequence.
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
        """The labels of the sequence of a value, given by its index in `values`."""
        node = int(self.first_values.searchsorted(index, side="right")) - 1
        labels = []
        while node:
            labels.append(int(self.labels[node]))
            node = int(self._parents[node - 1])
        return tuple(labels[::-1])

    def _levels(self) -> Iterator[tuple[int, int]]:
        """The (first, last + 1) nodes of each depth, from the root down."""
        start, stop = 0, 1
        while start < stop:
            yield start, stop
            start, stop = stop, stop + int(self.num_children[start:stop].sum())


def _sorted_distinct(
    sequences: Labels, values: NDArray[np.int32]
) -> tuple[Labels, NDArray[np.int32]]:
    """The rows sorted by their labels and then by their values, without duplicates."""
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
