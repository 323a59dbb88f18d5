"""Alignments of words by jiwer, error rates, and the score of an utterance.

Counts are added first and divided once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, NamedTuple

import jiwer
import numpy as np
from numpy.typing import ArrayLike, NDArray

NUM_RESAMPLES = 1000
TAILS = (0.025, 0.975)  # quantiles: the ends of an interval of 95 %


class AlignedWords(NamedTuple):
    """A word of the reference and what stands for it in the hypothesis.

    Attributes:
        reference: None: the word of the hypothesis is inserted.
        hypothesis: None: the word of the reference is deleted.
    """

    reference: str | None
    hypothesis: str | None

    @property
    def is_correct(self) -> bool:
        """Whether both words are the same."""
        return self.reference == self.hypothesis

    @property
    def marked(self) -> str:
        """The word, or the error as in show_errors."""
        if self.is_correct:
            return self.hypothesis or ""
        if self.reference is None:
            return f"[+{self.hypothesis}]"
        if self.hypothesis is None:
            return f"[-{self.reference}]"
        return f"[{self.reference}->{self.hypothesis}]"


def align_words(reference: str, hypothesis: str) -> tuple[AlignedWords, ...]:
    """The alignment of two texts with the fewest errors. The texts are not normalised.

    >>> [tuple(pair) for pair in align_words("the quick fox", "the thick fox jumps")]
    [('the', 'the'), ('quick', 'thick'), ('fox', 'fox'), (None, 'jumps')]
    """
    return tuple(_pairs(jiwer.process_words(reference, hypothesis)))


def _pairs(output: jiwer.WordOutput) -> Iterator[AlignedWords]:
    for chunk in output.alignments[0]:
        reference = output.references[0][chunk.ref_start_idx : chunk.ref_end_idx]
        hypothesis = output.hypotheses[0][chunk.hyp_start_idx : chunk.hyp_end_idx]
        match chunk.type:
            case "insert":
                yield from (AlignedWords(None, word) for word in hypothesis)
            case "delete":
                yield from (AlignedWords(word, None) for word in reference)
            case _:  # both sides have the same number of words
                yield from map(AlignedWords, reference, hypothesis)


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
    return " ".join(pair.marked for pair in align_words(reference, hypothesis))


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
        references: The number of words, or of whatever is counted, in each unit's reference.
    """
    all_errors, all_references = np.array(errors), np.array(references)
    generator = np.random.default_rng(0)
    rates = np.empty(NUM_RESAMPLES)
    for i in range(NUM_RESAMPLES):
        drawn = generator.integers(len(errors), size=len(errors))
        rates[i] = all_errors[drawn].sum() / max(all_references[drawn].sum(), 1)
    return rates


def equal_error_rate(same: ArrayLike, different: ArrayLike) -> tuple[float, float]:
    """The error rate at the threshold where as many pairs are rejected as are accepted wrongly.

    A pair is accepted if its score is at least the threshold. Where the two rates cross between
    two thresholds, their mean at the nearer one is returned.

    >>> equal_error_rate([0.9, 0.8, 0.3], [0.1, 0.4, 0.2])
    (0.333..., 0.4)

    Args:
        same: Scores of pairs of one speaker, at least one.
        different: Scores of pairs of two speakers, at least one.

    Returns:
        The equal error rate, and the threshold.

    Raises:
        ValueError: There are no pairs of one of the kinds.
    """
    same, different = np.sort(np.ravel(same)), np.sort(np.ravel(different))
    if not len(same) or not len(different):
        raise ValueError(f"needs pairs of both kinds, has {len(same)} and {len(different)}")
    thresholds = np.unique(np.concatenate([same, different]))
    rejected = np.searchsorted(same, thresholds, side="left") / len(same)
    accepted = 1 - np.searchsorted(different, thresholds, side="left") / len(different)
    best = int(np.argmin(np.abs(rejected - accepted)))
    return float((rejected[best] + accepted[best]) / 2), float(thresholds[best])


@dataclass(frozen=True)
class Score:
    """A reference and a hypothesis, both normalised, and how they differ.

    >>> Score("u1", "yes stop", "yes stops").words.num_errors
    1

    Attributes:
        id: Identifies the utterance.
        speaker: Identifies the speaker; None: not known.
        confidences: The confidence of each word of the hypothesis, 0..1; None if texts were
            compared.
        duration: Of the recording in seconds; None if texts were compared.
        compute_seconds: Wall-clock time of recognising it; None if texts were compared.
    """

    id: str
    reference: str
    hypothesis: str
    speaker: str | None = None
    confidences: tuple[float, ...] | None = None
    duration: float | None = None
    compute_seconds: float | None = None

    @cached_property
    def words(self) -> ErrorCounts:
        """The errors in words."""
        return word_errors(self.reference, self.hypothesis)

    @cached_property
    def characters(self) -> ErrorCounts:
        """The errors in characters, including spaces."""
        return character_errors(self.reference, self.hypothesis)

    @cached_property
    def alignment(self) -> tuple[AlignedWords, ...]:
        """The words of the reference beside those of the hypothesis."""
        return align_words(self.reference, self.hypothesis)

    def to_dict(self) -> dict[str, Any]:
        """The score as plain JSON values."""
        return {
            "id": self.id,
            "speaker": self.speaker,
            "duration": self.duration,
            "compute_seconds": self.compute_seconds,
            "reference": self.reference,
            "hypothesis": self.hypothesis,
            "errors": show_errors(self.reference, self.hypothesis),
            "alignment": self.alignment,
            "confidences": self.confidences,
            "words": asdict(self.words),
            "characters": asdict(self.characters),
        }
