"""A back-off n-gram model as plain arrays, for estimating, reading, writing and packing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

UNKNOWN = "<unk>"  # has id 0 everywhere
SENTENCE_START = "<s>"
SENTENCE_END = "</s>"
MAX_ORDER = 10


@dataclass(frozen=True)
class NGrams:
    """The n-grams of one order n, in no particular order.

    Attributes:
        words: (num_ngrams, n) int32, the word ids.
        log10_probs: (num_ngrams,) float32, of the last word given those before it; at most 0.
        log10_backoffs: (num_ngrams,) float32, of the n-gram as a context; 0 at the highest order.
    """

    words: NDArray[np.int32]
    log10_probs: NDArray[np.float32]
    log10_backoffs: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.words)


@dataclass(frozen=True)
class NGramTable:
    """A back-off model; the n-grams of order n are orders[n - 1].

    Attributes:
        vocabulary: The word of each id. Id 0 is <unk>; <s> and </s> are included.
        orders: The n-grams of each order, beginning with unigrams. Each word is a unigram once.
    """

    vocabulary: Sequence[str]
    orders: Sequence[NGrams]
