"""Words of a reference beside those of a hypothesis, by jiwer's alignment."""

from collections.abc import Iterator
from typing import NamedTuple

import jiwer


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
