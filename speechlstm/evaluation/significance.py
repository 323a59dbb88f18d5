"""Whether two recognisers differ by more than chance: matched pairs, paired bootstrap, Holm."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np

from speechlstm.evaluation.metrics import TAILS, AlignedWords, ErrorCounts, resampled_rates

Alignment = Sequence[AlignedWords]

_SIGNIFICANT = 1.64  # standard deviations that a difference exceeds by chance once in twenty
_MIN_CORRECT = 2  # words between segments, as in NIST's sc_stats
MIN_SEGMENTS = 50  # below, the normal approximation is not to be trusted


def largest_by_chance(differences: Iterable[int]) -> float:
    """The largest sum of differences in errors, one an utterance, that may still be chance.

    If two systems are equally good, each difference could as well have the other sign, so the
    variance of their sum is the sum of their squares (matched pairs with a mean of 0, Gillick and
    Cox 1989). The variance around their own mean would be 0 where all are the same: then a single
    utterance would decide.

    >>> largest_by_chance([1, 0, 0, 0]), largest_by_chance([3])
    (1.64, 4.92)
    """
    return _SIGNIFICANT * math.sqrt(sum(difference**2 for difference in differences))


@dataclass(frozen=True)
class MatchedPairs:
    """The matched-pairs sentence-segment word error test (MAPSSWE).

    Attributes:
        num_segments: The number of segments in which a system has an error.
        mean: The mean over segments of the errors of B minus those of A.
        z: The mean divided by its standard error; None: all segments differ by the same.
        p: Two-sided probability of a mean as far from 0 if both systems were equally good.
    """

    num_segments: int
    mean: float
    z: float | None
    p: float


def matched_pairs(pairs: Sequence[tuple[Alignment, Alignment]]) -> MatchedPairs:
    """Test whether the errors of two systems on the same utterances differ by chance.

    Gillick and Cox, "Some statistical issues in the comparison of speech recognition algorithms",
    ICASSP 1989: utterances are cut into segments whose errors are independent of each other, since
    both systems have at least two words right between them, and the mean difference of errors is
    compared with its standard error. The segments are those of NIST's sc_stats. If all segments
    differ by the same, so that there is no standard error, p is that of the exact test (the share
    of the 2^n ways to exchange the systems in n segments whose mean is as far from 0).

    >>> from speechlstm.evaluation.metrics import align_words
    >>> reference = "a b c d"
    >>> one = align_words(reference, "a x c d")
    >>> matched_pairs([(one, align_words(reference, reference))] * 3).p
    0.25

    Args:
        pairs: The alignments of both systems with each reference, which must be the same.
    """
    differences = [b - a for one, other in pairs for a, b in error_segments(one, other)]
    num_segments = len(differences)
    if not any(differences):
        return MatchedPairs(num_segments, 0.0, 0.0, 1.0)
    mean = sum(differences) / num_segments
    if len({*differences}) == 1:
        return MatchedPairs(num_segments, mean, None, min(1.0, 2.0 ** (1 - num_segments)))
    variance = sum((d - mean) ** 2 for d in differences) / (num_segments - 1)
    z = mean / math.sqrt(variance / num_segments)
    return MatchedPairs(num_segments, mean, z, math.erfc(abs(z) / math.sqrt(2)))


def error_segments(one: Alignment, other: Alignment) -> Iterator[tuple[int, int]]:
    """The errors of two systems in each segment of an utterance in which either has one.

    A segment ends where both have _MIN_CORRECT words right, one after the other, without an
    insertion between or before them.

    >>> from speechlstm.evaluation.metrics import align_words
    >>> a, b = (align_words("a b c d", text) for text in ("x b c", "a b c d"))
    >>> list(error_segments(a, b))
    [(1, 0), (1, 0)]
    """
    errors, num_correct = [0, 0], 0
    for places in zip_longest(_places(one), _places(other), fillvalue=(0, 0)):
        for inserted in (True, False):
            found = [insertions if inserted else wrong for insertions, wrong in places]
            if any(found):
                errors = [a + b for a, b in zip(errors, found, strict=True)]
                num_correct = 0
            elif not inserted:
                num_correct += 1
        if num_correct >= _MIN_CORRECT and any(errors):
            yield errors[0], errors[1]
            errors = [0, 0]
    if any(errors):
        yield errors[0], errors[1]


def _places(alignment: Alignment) -> Iterator[tuple[int, int]]:
    """For each word of the reference: insertions before it, and 1 if it is wrong.

    The end of the reference has a place of its own.
    """
    insertions = 0
    for pair in alignment:
        if pair.reference is None:
            insertions += 1
        else:
            yield insertions, int(not pair.is_correct)
            insertions = 0
    yield insertions, 0


@dataclass(frozen=True)
class PairedBootstrap:
    """The difference of two error rates, by resampling.

    Attributes:
        interval: 95 % confidence interval of the rate of B minus that of A.
        share_better: Share of the resamples in which B has fewer errors; half of those in which
            both have the same are counted.
    """

    interval: tuple[float, float]
    share_better: float


def paired_bootstrap(counts: Sequence[tuple[ErrorCounts, ErrorCounts]]) -> PairedBootstrap:
    """Resample the units on which two systems were measured: see resampled_rates.

    >>> counts = [(ErrorCounts(hits=9, substitutions=1), ErrorCounts(hits=10))] * 2
    >>> paired_bootstrap(counts)
    PairedBootstrap(interval=(-0.1, -0.1), share_better=1.0)

    Args:
        counts: Of A and of B for each independent unit: a speaker or an utterance; at least one.
    """
    added = [b.num_errors - a.num_errors for a, b in counts]
    differences = resampled_rates(added, [a.num_reference for a, _ in counts])
    low, high = np.quantile(differences, TAILS)
    better = (differences < 0).mean() + (differences == 0).mean() / 2
    return PairedBootstrap((float(low), float(high)), float(better))


def holm(p_values: Sequence[float]) -> list[float]:
    """Probabilities of several tests, adjusted so that any is below alpha by chance in alpha.

    Holm, "A simple sequentially rejective multiple test procedure", 1979.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, p_values[i] * (len(p_values) - rank)))
        adjusted[i] = largest
    return adjusted
