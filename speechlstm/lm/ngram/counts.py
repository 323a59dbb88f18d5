"""Counts the n-grams of a text."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speechlstm.lm.text import START_ID, Text

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class NGramCounts:
    """The n-grams of one order n in a text, one a row, sorted by prefix and then by word.

    Attributes:
        prefixes: (num_ngrams,) the row, at order n - 1, of all words except the last; 0 at order 1.
        words: (num_ngrams,) the id of the last word; at order 1, every word of the vocabulary.
        suffixes: (num_ngrams,) the row, at order n - 1, of all words except the first; 0 at order
            1.
        counts: (num_ngrams,) the number of occurrences within sentences; 0 for <s>, which is never
            predicted.
        is_start: (num_ngrams,) whether the first word is <s>.
    """

    prefixes: Integers
    words: Integers
    suffixes: Integers
    counts: Integers
    is_start: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.words)


def count_ngrams(text: Text, order: int) -> list[NGramCounts]:
    """Count the n-grams of orders 1 to order.

    It takes about 65 bytes of memory for each token of English text at order 3.

    >>> from speechlstm.lm.text import tokenize
    >>> unigrams, bigrams = count_ngrams(tokenize(["good day", "good night"]), order=2)
    >>> unigrams.counts.tolist(), len(bigrams)  # <unk>, <s>, </s>, good, day, night
    ([0, 0, 2, 2, 1, 1], 5)
    """
    num_words = len(text.vocabulary)
    words = np.arange(num_words)
    nothing = np.zeros(num_words, np.int64)
    counts = np.bincount(text.tokens, minlength=num_words)
    counts[START_ID] = 0
    found = [NGramCounts(nothing, words, nothing, counts, words == START_ID)]
    rows = text.tokens  # of the n-gram that ends at each token; -1 if it would begin before <s>
    for _ in range(1, order):
        longer, rows = _extend(found[-1], rows, text.tokens, num_words)
        found.append(longer)
    return found


def _extend(
    shorter: NGramCounts, rows: NDArray[np.int32], tokens: NDArray[np.int32], num_words: int
) -> tuple[NGramCounts, NDArray[np.int32]]:
    """The n-grams of the next order, and the row of the one that ends at each token."""
    ends = np.flatnonzero((rows[:-1] >= 0) & (tokens[1:] != START_ID)) + 1
    keys = rows[ends - 1].astype(np.int64) * num_words + tokens[ends]
    order = np.argsort(keys)
    keys, ends = keys[order], ends[order]
    firsts = np.flatnonzero(np.diff(keys, prepend=-1))  # of each run of equal keys
    counts = np.diff(firsts, append=len(keys))
    prefixes, words = np.divmod(keys[firsts], num_words)
    found = NGramCounts(
        prefixes, words, rows[ends[firsts]].astype(np.int64), counts, shorter.is_start[prefixes]
    )
    longer_rows = np.full(len(tokens), -1, np.int32)
    longer_rows[ends] = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    return found, longer_rows
