"""Quantises the probabilities and back-off weights of a trie to one byte each."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speechlstm.lm.ngram.trie import NUM_CODES, Trie

_NUM_ROUNDS = 20  # iterations of Lloyd's algorithm


def quantize(trie: Trie) -> Trie:
    """The trie with each value replaced by one of 256, which are chosen for each order.

    They minimise the squared error, by Lloyd's algorithm starting from quantiles.
    """
    log_probs, log_prob_books = _quantize_parts(trie.log_probs, trie.num_ngrams)
    backoffs, backoff_books = _quantize_parts(trie.backoffs, trie.num_states)
    codebooks = np.stack([*log_prob_books, *backoff_books])
    return replace(trie, log_probs=log_probs, backoffs=backoffs, codebooks=codebooks)


def _quantize_parts(
    values: NDArray[Any], sizes: Sequence[int]
) -> tuple[NDArray[np.uint8], Iterable[NDArray[np.float32]]]:
    """The codes of values that consist of parts of these sizes, and the codebook of each part."""
    codes, codebooks = [], []
    for part in np.split(values, np.cumsum(sizes)[:-1]):
        codebook = _choose(part)
        borders = (codebook[1:] + codebook[:-1]) / 2
        codes.append(np.searchsorted(borders, part).astype(np.uint8))
        codebooks.append(codebook)
    return np.concatenate(codes), codebooks


def _choose(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The codebook of some values: 256 values in ascending order."""
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) <= NUM_CODES:
        return np.append(distinct, np.full(NUM_CODES - len(distinct), distinct.max(initial=0)))
    centres = np.quantile(distinct, (np.arange(NUM_CODES) + 0.5) / NUM_CODES)
    num_below = np.cumsum([0, *counts])
    sum_below = np.cumsum([0, *(distinct * counts)])
    for _ in range(_NUM_ROUNDS):
        borders = np.searchsorted(distinct, (centres[1:] + centres[:-1]) / 2)
        edges = np.array([0, *borders, len(distinct)])
        sizes = np.diff(num_below[edges])
        np.divide(np.diff(sum_below[edges]), sizes, out=centres, where=sizes > 0)
    return np.sort(centres).astype(np.float32)
