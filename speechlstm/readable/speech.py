"""Words on their way to figures: where a sentence ends, which number words belong together."""

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from speechlstm.readable.numbers import NUMBER_WORDS, ORDINAL_WORDS, SCALES, word_at


def word_set(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


class Speech(NamedTuple):
    """Words, and where they are parted.

    Attributes:
        words: All of them.
        stops: Places behind which a sentence ends: nothing reaches over them.
        commas: Places behind which there is a comma: only dates and what is spelled reach over it.
    """

    words: Sequence[str]
    stops: Collection[int]
    commas: Collection[int]

    def clause(self, start: int) -> list[str]:
        """All words before the next comma or end of a sentence behind a place."""
        return self._until(start, self.commas)

    def sentence(self, start: int) -> list[str]:
        """All words before the next end of a sentence behind a place."""
        return self._until(start, ())

    def _until(self, start: int, commas: Collection[int]) -> list[str]:
        end = start
        while end < len(self.words) and end not in self.stops and end not in commas:
            end += 1
        return list(self.words[: end + 1])

    def before(self, start: int) -> str:
        """The word before a place, unless it is parted from it; "" where there is none."""
        is_parted = start - 1 in self.stops or start - 1 in self.commas
        return "" if is_parted else word_at(self.words, start - 1)


Written = tuple[str, int]  # a text, and the place behind its last word
Rule = Callable[[Speech, int], Written | None]  # of the words from a place on


def end_of_numbers(words: Sequence[str], start: int) -> int:
    """Behind the number words that follow one another; an "and" may stand after a hundred."""
    end = start
    while end < len(words):
        follows_scale = end > start and words[end - 1] in ("hundred", *SCALES)
        joins = words[end] == "and" and follows_scale and word_at(words, end + 1) in NUMBER_WORDS
        if not joins and words[end] not in NUMBER_WORDS and words[end] not in ORDINAL_WORDS:
            break
        end += 1
    return end


def stands_alone(words: Sequence[str], start: int, end: int) -> bool:
    """Whether the words from start to end are all of the number words there."""
    return end_of_numbers(words, end) == end and (
        word_at(words, start) == "a" or end_of_numbers(words, start) <= end
    )
