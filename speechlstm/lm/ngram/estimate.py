"""Estimates n-gram probabilities with interpolated modified Kneser-Ney smoothing.

Chen and Goodman, "An empirical study of smoothing techniques for language modeling", Harvard
TR-10-98, 1998. Details follow Heafield's lmplz ("Scalable modified Kneser-Ney language model
estimation", ACL 2013), which computes the same numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speechlstm.errors import ConfigError, counted
from speechlstm.lm.ngram.counts import NGramCounts, count_ngrams
from speechlstm.lm.ngram.table import NGrams, NGramTable
from speechlstm.lm.text import START_ID, Text

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MAX_ORDER = 6


@dataclass(frozen=True)
class Discounts:
    """The discounts of one order's counts, which free probability for unseen n-grams.

    Attributes:
        values: The discounts of an adjusted count of 1, of 2, and of 3 or more.
        is_fallback: Whether they are fixed values, because the text is too small or too regular to
            estimate them.
    """

    values: tuple[float, float, float]
    is_fallback: bool


_FALLBACK = Discounts((0.5, 1.0, 1.5), True)  # lmplz --discount_fallback


@dataclass(frozen=True)
class Estimate:
    """An estimated language model."""

    table: NGramTable
    discounts: Sequence[Discounts]


def estimate(text: Text, order: int, prune: Sequence[int] = (0,)) -> Estimate:
    """Estimate a language model.

    >>> from speechlstm.lm.text import tokenize
    >>> estimate(tokenize(["good day", "good night"]), order=2).table.vocabulary[3:]
    ['good', 'day', 'night']

    Args:
        text: The text. The model has each word of its vocabulary, even those that do not occur.
        order: Length of the longest n-grams, 1 to 6.
        prune: For each order, beginning with unigrams, the largest count of n-grams that are left
            out; the last number also holds for all higher orders. The first must be 0: limit the
            vocabulary of the text instead.

    Raises:
        ConfigError: order or prune is out of range.
    """
    thresholds = prune_thresholds(order, prune)
    counts = count_ngrams(text, order)
    lower = np.array([1 / (len(text.vocabulary) - 1)])  # uniform: <s> is never predicted
    discounts, kept, probs, weights = [], [], [], []
    for grams, longer, threshold in zip(counts, [*counts[1:], None], thresholds, strict=True):
        is_kept = grams.counts > threshold
        adjusted = _adjusted_counts(grams, longer)
        discounts.append(estimate_discounts(adjusted))
        lower, weights_below = _interpolate(grams, adjusted, is_kept, discounts[-1], lower)
        kept.append(np.flatnonzero(is_kept))
        probs.append(lower)
        weights.append(weights_below)
    probs[0][START_ID] = 1.0  # by convention
    weights.append(np.ones(len(lower)))
    orders = [
        NGrams(
            _words(counts[:n], rows),
            np.minimum(np.log10(probs[n - 1][rows]), 0).astype(np.float32),
            np.log10(weights[n][rows]).astype(np.float32),
        )
        for n, rows in enumerate(kept, start=1)
    ]
    return Estimate(NGramTable(text.vocabulary, orders), discounts)


def prune_thresholds(order: int, prune: Sequence[int]) -> list[int]:
    """The count of each order up to which n-grams are dropped: see `estimate`."""
    if not 1 <= order <= MAX_ORDER:
        raise ConfigError(f"order: must be in 1..{MAX_ORDER}, is {order}")
    prune = prune or [0]
    thresholds = [*prune, *[prune[-1]] * (order - len(prune))]
    if len(thresholds) != order or thresholds[0] != 0 or thresholds != sorted(thresholds):
        raise ConfigError(
            f"prune: must be 0 for unigrams, then at most {counted(order - 1, 'number')}, none "
            f"less than the one before; is {' '.join(map(str, prune))}"
        )
    return [-1, *thresholds[1:]]  # keeps words that do not occur


def _words(counts: Sequence[NGramCounts], rows: Integers) -> NDArray[np.int32]:
    """The word ids (num_rows, n) of rows of the last of the orders given."""
    columns = []
    for grams in reversed(counts):
        columns.append(grams.words[rows])
        rows = grams.prefixes[rows]
    return np.stack(columns[::-1], axis=1).astype(np.int32)


def _adjusted_counts(grams: NGramCounts, longer: NGramCounts | None) -> Integers:
    """Kneser-Ney's adjusted counts: at the highest order counts, below it distinct words before.

    N-grams that begin with <s> cannot have words before them and keep their counts.
    """
    if longer is None:
        return grams.counts
    num_before = np.bincount(longer.suffixes, minlength=len(grams))
    return np.where(grams.is_start, grams.counts, num_before)


def estimate_discounts(adjusted: Integers) -> Discounts:
    """Discounts from the numbers of n-grams with adjusted counts 1 to 4 (the paper's equation 26).

    >>> estimate_discounts(np.array([1, 1, 1, 1, 2, 2, 3, 4])).values
    (0.5, 1.25, 1.0)
    """
    n1, n2, n3, n4 = np.bincount(np.minimum(adjusted, 5), minlength=6)[1:5].tolist()
    if not (n1 and n2 and n3):
        return _FALLBACK
    y = n1 / (n1 + 2 * n2)
    values = 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3
    in_range = all(0 < value <= count for count, value in enumerate(values, start=1))
    return Discounts(values, False) if in_range else _FALLBACK


def _interpolate(
    grams: NGramCounts,
    adjusted: Integers,
    is_kept: NDArray[np.bool_],
    discounts: Discounts,
    lower: Floats,
) -> tuple[Floats, Floats]:
    """The probabilities of one order, and the back-off weights of the order below.

    lower are the probabilities of the order below.
    """
    discount = np.array([0.0, *discounts.values])[np.minimum(adjusted, 3)]
    freed = np.where(is_kept, discount, adjusted)  # all of a pruned count
    totals = np.bincount(grams.prefixes, adjusted, minlength=len(lower))
    freed_totals = np.bincount(grams.prefixes, freed, minlength=len(lower))
    weights = np.ones(len(lower))
    np.divide(freed_totals, totals, out=weights, where=totals > 0)
    kept = np.divide(adjusted - freed, totals[grams.prefixes])
    return kept + weights[grams.prefixes] * lower[grams.suffixes], weights
