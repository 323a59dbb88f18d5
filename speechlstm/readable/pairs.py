"""Pairs of numbers: the ends of a range, "nine out of ten", "six by nine"."""

from collections.abc import Iterator, Sequence

from speechlstm.readable.numbers import NUMBER_WORDS, SCALES, cardinal, decimal, word_at
from speechlstm.readable.speech import JOINTS, Speech, is_numbered, stands_alone

SMALLEST = 10  # smaller numbers are written in figures only beside units, months and the like
MEASURE_JOINTS = JOINTS | {"by"}
WRITTEN_SCALES = tuple(scale for scale in SCALES if scale != "thousand")  # "3 million", but "3,000"
_OF_NUMBERS = NUMBER_WORDS | {"point"}


def shares_scale(words: Sequence[str], start: int) -> bool:
    """Whether a number is an end of a range whose scale is said once: "two or three hundred"."""
    if word_at(words, start - 1) in JOINTS:
        first = start - 1
        while word_at(words, first - 1) in _OF_NUMBERS:
            first -= 1
        if words[first] in ("hundred", *SCALES) and word_at(words, first - 1) == "a":
            first -= 1
        if first < start - 1 and _scale_of_range(words, first) is not None:
            return True
    return _scale_of_range(words, start) not in (None, *WRITTEN_SCALES)


def _scale_of_range(words: Sequence[str], start: int) -> str | None:
    """The scale of both ends of a range that begins at an index; None if each has its own."""
    first = _value(words, start)
    if not first or word_at(words, first[1]) not in JOINTS:
        return None
    start = first[1] + 1
    second = _value(words, start)
    end = second[1] if second else start
    places = (at for at in range(start, end + 1) if word_at(words, at) in ("hundred", *SCALES))
    if not (last := max(places, default=0)):
        return None
    scale, factor = word_at(words, last), _value(words[:last], start)
    return scale if factor and factor[1] == last and first[0] < factor[0] else None


def _value(words: Sequence[str], start: int) -> tuple[float, int] | None:
    """The value of a number, possibly with a decimal point, and the index after it."""
    if found := decimal(words, start):
        return float(found[0].replace(",", "")), found[1]
    number = cardinal(words, start)
    return (number.value, number.end) if number else None


def has_figure_beside(speech: Speech, start: int, end: int) -> bool:
    """Whether a small number is one of two of which the other one is written in figures.

    They are the ends of a range, or as in "nine out of ten".
    """
    words = speech.clause(start)
    for joint in _joints(words[end : end + 2]):
        first = end + joint
        other = _value(words, first)
        if other and _is_figure(words, first, *other) and word_at(words, other[1]) != "past":
            has_scale = isinstance(other[0], float) and word_at(words, other[1]) in SCALES
            return stands_alone(words, first, other[1] + has_scale)
    for joint in _joints(words[start - 2 : start][::-1]):
        last = first = start - joint
        while word_at(words, first - 1) in _OF_NUMBERS:
            first -= 1
        other = _value(words[:last], first) if first < last else None
        if other and other[1] == last:
            return is_numbered(speech, first, last) or _is_figure(words, first, *other)
    return False


def _joints(words: Sequence[str]) -> Iterator[int]:
    """The number of words that join two numbers, if the words begin with such."""
    if words and words[0] in MEASURE_JOINTS:
        yield 1
    elif {*words} == {"out", "of"}:
        yield 2


def _is_figure(words: Sequence[str], start: int, value: float, end: int) -> bool:
    is_idiom = words[start] == "a" and end == start + 2
    return (value >= SMALLEST and not is_idiom) or isinstance(value, float)
