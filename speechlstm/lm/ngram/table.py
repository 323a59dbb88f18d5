"""A back-off n-gram model as plain arrays, for estimating, reading, writing and packing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from speechlstm.text.normalize import normalize

UNKNOWN = "<unk>"  # has id 0 everywhere
SENTENCE_START = "<s>"
SENTENCE_END = "</s>"
MAX_ORDER = 10
_SPECIAL = (UNKNOWN, SENTENCE_START, SENTENCE_END)


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


def in_normal_form(table: NGramTable) -> tuple[NGramTable, list[str]]:
    """The same model with its words as normalised texts have them: HELLO becomes hello.

    Returns:
        The model, and the words that stay as they are, since their normal form is that of another
        word, too, or is no word. They never occur in a normalised text.
    """
    normal = [w if w in _SPECIAL else normalize(w) for w in table.vocabulary]
    counts = Counter(normal)
    fits = [counts[word] == 1 and word and " " not in word for word in normal]
    words = [n if fit else w for w, n, fit in zip(table.vocabulary, normal, fits, strict=True)]
    kept = [
        w for w, n, fit in zip(table.vocabulary, normal, fits, strict=True) if not fit and w != n
    ]
    return replace(table, vocabulary=words), kept
