"""Error rates from jiwer's alignments. Counts are added first and divided once."""

from collections.abc import Sequence
from dataclasses import dataclass

import jiwer
import numpy as np
from numpy.typing import NDArray

from speechlstm.evaluation.alignment import AlignedWords, align_words

NUM_RESAMPLES = 1000
TAILS = (0.025, 0.975)  # quantiles: the ends of an interval of 95 %


@dataclass(frozen=True)
class ErrorCounts:
    """How hypotheses differ from their references, in words or in characters.

    >>> counts = word_errors("the quick fox", "the thick red fox")
    >>> counts
    ErrorCounts(hits=2, substitutions=1, deletions=0, insertions=1)
    >>> round(counts.rate, 3)
    0.667

    Attributes:
        hits: Words of the reference that are correct in the hypothesis.
        substitutions: Words of the reference that are replaced by others.
        deletions: Words of the reference that are missing from the hypothesis.
        insertions: Words of the hypothesis that are not in the reference.
    """

    hits: int = 0
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0

    def __add__(self, other: "ErrorCounts") -> "ErrorCounts":
        return ErrorCounts(
            self.hits + other.hits,
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
        )

    @property
    def num_reference(self) -> int:
        """The number of words or characters in the reference."""
        return self.hits + self.substitutions + self.deletions

    @property
    def num_errors(self) -> int:
        """The number of substitutions, deletions and insertions."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """Errors divided by the length of the reference; insertions can make it greater than 1.

        An empty reference counts as one word, as in jiwer (`wer("", "peaceful silence") == 2`): k
        words recognised in silence give the rate k, and no word in silence gives 0.
        """
        return self.num_errors / max(self.num_reference, 1)


def word_errors(reference: str, hypothesis: str) -> ErrorCounts:
    """Errors in words, which are separated by spaces. The texts are not normalised.

    >>> word_errors("one two", "one too three").num_errors
    2
    """
    return _counts(jiwer.process_words(reference, hypothesis))


def character_errors(reference: str, hypothesis: str) -> ErrorCounts:
    """Errors in characters (code points), including the spaces. The texts are not normalised.

    >>> character_errors("one two", "one too").num_errors
    1
    """
    return _counts(jiwer.process_characters(reference, hypothesis))


def _counts(output: jiwer.WordOutput | jiwer.CharacterOutput) -> ErrorCounts:
    return ErrorCounts(output.hits, output.substitutions, output.deletions, output.insertions)


def correct_words(reference: str, hypothesis: str) -> list[bool]:
    """For each word of the hypothesis, whether it is neither a substitution nor an insertion.

    >>> correct_words("the quick fox", "the thick fox")
    [True, False, True]
    """
    pairs = align_words(reference, hypothesis)
    return [pair.is_correct for pair in pairs if pair.hypothesis is not None]


def show_errors(reference: str, hypothesis: str) -> str:
    """The reference with its word errors marked.

    `[a->b]`: b substituted for a; `[+a]`: a inserted; `[-a]`: a deleted.

    >>> show_errors("the quick brown fox jumps", "the thick brown red fox")
    'the [quick->thick] brown [+red] fox [-jumps]'
    """
    return " ".join(map(_marked, align_words(reference, hypothesis)))


def _marked(pair: AlignedWords) -> str:
    if pair.is_correct:
        return pair.hypothesis or ""
    if pair.reference is None:
        return f"[+{pair.hypothesis}]"
    if pair.hypothesis is None:
        return f"[-{pair.reference}]"
    return f"[{pair.reference}->{pair.hypothesis}]"


def bootstrap_interval(counts: Sequence[ErrorCounts]) -> tuple[float, float]:
    """95 % confidence interval of the overall error rate: see resampled_rates.

    >>> counts = [ErrorCounts(hits=9, substitutions=1), ErrorCounts(hits=10)]
    >>> bootstrap_interval(counts)
    (0.0, 0.1)

    Args:
        counts: The counts to resample, at least two: those of each utterance, or of each speaker if
            the utterances of a speaker are not independent.

    Returns:
        Lower and upper end, as rates.

    Raises:
        ValueError: There are fewer than two counts.
    """
    if len(counts) < 2:
        raise ValueError(f"bootstrap_interval needs at least 2 counts, has {len(counts)}")
    rates = resampled_rates([c.num_errors for c in counts], [c.num_reference for c in counts])
    low, high = np.quantile(rates, TAILS)
    return float(low), float(high)


def resampled_rates(errors: Sequence[int], references: Sequence[int]) -> NDArray[np.float64]:
    """The error rates of NUM_RESAMPLES resamples of units, which are always the same.

    Bisani and Ney, "Bootstrap estimates for confidence intervals in ASR performance evaluation",
    ICASSP 2004.

    Args:
        errors: Of each unit.
        references: The number of words, or of whatever is counted, in each unit's reference.
    """
    all_errors, all_references = np.array(errors), np.array(references)
    generator = np.random.default_rng(0)
    rates = np.empty(NUM_RESAMPLES)
    for i in range(NUM_RESAMPLES):
        drawn = generator.integers(len(errors), size=len(errors))
        rates[i] = all_errors[drawn].sum() / max(all_references[drawn].sum(), 1)
    return rates
