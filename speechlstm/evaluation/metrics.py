"""Error rates over jiwer's alignments: counts are added first and divided once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import jiwer
import numpy as np


@dataclass(frozen=True)
class ErrorCounts:
    """How hypotheses differ from their references, in words or in characters.

    Attributes:
        hits: Of the reference, found.
        substitutions: Of the reference, found as something else.
        deletions: Of the reference, not found.
        insertions: Found, not of the reference.
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
        """Words or characters of the reference."""
        return self.hits + self.substitutions + self.deletions

    @property
    def num_errors(self) -> int:
        """Substitutions, deletions and insertions."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """Errors by reference length, a fraction; insertions can take it above 1.

        An empty reference counts as one word: k words recognised in silence are a rate of k,
        as in jiwer (`wer("", "peaceful silence") == 2`), and no word in silence is 0.
        """
        return self.num_errors / max(self.num_reference, 1)


def word_errors(reference: str, hypothesis: str) -> ErrorCounts:
    """Errors in words, which are parted by spaces; texts are compared as they stand."""
    return _counts(jiwer.process_words(reference, hypothesis))


def character_errors(reference: str, hypothesis: str) -> ErrorCounts:
    """Errors in characters (code points), the spaces between words among them."""
    return _counts(jiwer.process_characters(reference, hypothesis))


def _counts(output: jiwer.WordOutput | jiwer.CharacterOutput) -> ErrorCounts:
    return ErrorCounts(output.hits, output.substitutions, output.deletions, output.insertions)


def correct_words(reference: str, hypothesis: str) -> list[bool]:
    """For each word of the hypothesis, whether it is right: neither substituted nor inserted."""
    output = jiwer.process_words(reference, hypothesis)
    correct = [False] * len(output.hypotheses[0])
    for chunk in output.alignments[0]:
        if chunk.type == "equal":
            for word in range(chunk.hyp_start_idx, chunk.hyp_end_idx):
                correct[word] = True
    return correct


def show_errors(reference: str, hypothesis: str) -> str:
    """The reference with its word errors marked: `the [quick->thick] brown [+red] fox [-jumps]`.

    `[a->b]`: b substituted for a; `[+a]`: a inserted; `[-a]`: a deleted.
    """
    return " ".join(_marked_words(jiwer.process_words(reference, hypothesis)))


def _marked_words(output: jiwer.WordOutput) -> Iterator[str]:
    for chunk in output.alignments[0]:
        reference = output.references[0][chunk.ref_start_idx : chunk.ref_end_idx]
        hypothesis = output.hypotheses[0][chunk.hyp_start_idx : chunk.hyp_end_idx]
        match chunk.type:
            case "equal":
                yield from reference
            case "substitute":  # as many words on either side
                yield from (f"[{a}->{b}]" for a, b in zip(reference, hypothesis, strict=True))
            case "insert":
                yield from (f"[+{b}]" for b in hypothesis)
            case "delete":
                yield from (f"[-{a}]" for a in reference)


def bootstrap_interval(
    counts: Sequence[ErrorCounts], level: float = 0.95, num_resamples: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Confidence interval of the rate of all counts together, by the percentile bootstrap.

    Bisani and Ney, "Bootstrap estimates for confidence intervals in ASR performance evaluation",
    ICASSP 2004.

    Args:
        counts: What is drawn with replacement, at least two: the counts of each utterance, or of
            each speaker, as utterances of one speaker are not independent.
        level: Share of the resampled rates that lie inside.
        num_resamples: How many times as many counts as there are are drawn.
        seed: Of the draws; the same seed gives the same interval.

    Returns:
        Lower and upper end, as rates.
    """
    if len(counts) < 2:
        raise ValueError(f"bootstrap_interval needs at least 2 counts, has {len(counts)}")
    errors = np.array([c.num_errors for c in counts])
    references = np.array([c.num_reference for c in counts])
    generator = np.random.default_rng(seed)
    rates = np.empty(num_resamples)
    for i in range(num_resamples):
        drawn = generator.integers(len(counts), size=len(counts))
        rates[i] = errors[drawn].sum() / max(references[drawn].sum(), 1)
    low, high = np.quantile(rates, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
