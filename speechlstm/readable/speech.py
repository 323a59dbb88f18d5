"""Recognised words with their commas, and which number words belong together."""

from collections.abc import Callable, Iterable, Sequence

from speechlstm.readable.numbers import NUMBER_WORDS, ORDINAL_WORDS, SCALES, word_at


def word_set(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


JOINTS = word_set("to or and through")  # of two numbers, such as the ends of a range
NUMBERED = word_set(
    "page pages chapter section figure table room route highway flight gate channel apartment "
    "version volume line bus exit interstate suite seat terminal extension code verse "
    "scene episode article"
)
_DETERMINERS = word_set("the a an this that these those my your his her its our their every each")
_BEFORE_PRONOUN = word_set("this that some any every each which what no another")


class Speech:
    """The words of a sentence, with its commas.

    Args:
        words: The words; no expression goes beyond a sentence.
        commas: Indices of words that are followed by a comma. Only dates, domains and spelled
            letters go beyond one.
    """

    def __init__(self, words: Sequence[str], commas: Iterable[int]) -> None:
        self.words = words
        self._commas = frozenset(commas)
        self._clauses: list[Sequence[str]] = []
        for end in sorted({*self._commas, len(words) - 1}):
            self._clauses += [words[: end + 1]] * (end + 1 - len(self._clauses))

    def clause(self, start: int) -> Sequence[str]:
        """All words up to the next comma or sentence end at or after an index.

        Of "between one hundred and two thousand", up to "and": the words are not 102,000.
        """
        words = self._clauses[start]
        if self.before(start) != "between":
            return words
        end = end_of_numbers(words, start)
        joints = [place for place in range(start, end) if words[place] == "and"]
        return words[: joints[0]] if len(joints) == 1 and word_at(words, end) != "and" else words

    def before(self, start: int) -> str:
        """The word before an index; "" if there is none, or a comma in between."""
        return "" if start - 1 in self._commas else word_at(self.words, start - 1)


Written = tuple[str, int]  # a text, and the index after its last word
Rule = Callable[[Speech, int], Written | None]  # for the words from an index on


def end_of_numbers(words: Sequence[str], start: int) -> int:
    """The index after consecutive number words; "and" is allowed after a hundred or a scale."""
    end = start
    while end < len(words):
        follows_scale = end > start and words[end - 1] in ("hundred", *SCALES)
        joins = words[end] == "and" and follows_scale and word_at(words, end + 1) in NUMBER_WORDS
        if not joins and words[end] not in NUMBER_WORDS and words[end] not in ORDINAL_WORDS:
            break
        end += 1
    return end


def stands_alone(words: Sequence[str], start: int, end: int) -> bool:
    """Whether the words from start to end are all of the consecutive number words there."""
    return end_of_numbers(words, end) == end and (
        word_at(words, start) == "a" or end_of_numbers(words, start) <= end
    )


def is_numbered(speech: Speech, start: int, end: int) -> bool:
    """Whether a number is the name of what is before it: "room two", not "in the room two men"."""
    before = {speech.before(start - 1), speech.before(start - 2)}
    counts = end < len(speech.clause(start)) and not before.isdisjoint(_DETERMINERS)
    return speech.before(start) in NUMBERED and not counts


def is_pronoun(speech: Speech, start: int, end: int) -> bool:
    """Whether "one" is no number: "no one", "one and ten others", "one by one"."""
    if speech.words[start:end] != ["one"]:
        return False
    before, following = speech.before(start), word_at(speech.words, end)
    if before == "and":
        first = start - 1
        while word_at(speech.words, first - 1) in NUMBER_WORDS:
            first -= 1
        return speech.before(first) != "between"
    return before in _BEFORE_PRONOUN or (following in ("and", "by") and before != "between")
