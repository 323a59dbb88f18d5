"""English number words as numbers: cardinals, ordinals, decimals, years, strings of digits.

Each function reads a number that begins at an index in a list of words, and takes as many words as
possible. It returns None if no number begins there.
"""

from collections.abc import Sequence
from typing import NamedTuple


def _counted(words: str) -> dict[str, int]:
    return {word: number for number, word in enumerate(words.split())}


DIGITS = _counted("zero one two three four five six seven eight nine")
_OH = ("oh", "o")  # a zero among digits
_TEENS = {
    word: 10 + number
    for word, number in _counted(
        "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
    ).items()
}
_TENS = {
    word: 20 + 10 * number
    for word, number in _counted("twenty thirty forty fifty sixty seventy eighty ninety").items()
}
_HUNDRED = "hundred"
SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7,
    "eighth": 8, "ninth": 9, "twelfth": 12,
}  # fmt: skip
_ORDINALS |= {f"{word}th": value for word, value in _TEENS.items() if word != "twelve"}
_ORDINALS |= {f"{word[:-1]}ieth": value for word, value in _TENS.items()}
_ORDINAL_SCALES = {f"{word}th": word for word in (_HUNDRED, *SCALES)}
_TIMES = {"double": 2, "triple": 3}

NUMBER_WORDS = frozenset((*DIGITS, *_TEENS, *_TENS, _HUNDRED, *SCALES))
ORDINAL_WORDS = frozenset((*_ORDINALS, *_ORDINAL_SCALES))

Words = Sequence[str]


class Number(NamedTuple):
    """A number in words.

    Attributes:
        end: The index after its last word.
        text: The number in figures.
    """

    value: int
    end: int
    text: str


def word_at(words: Words, place: int) -> str:
    """The word at an index; "" if there is none."""
    return words[place] if 0 <= place < len(words) else ""


def cardinal(words: Words, start: int) -> Number | None:
    """A whole number: "two hundred and five", "a hundred and fifty", "three million".

    >>> cardinal("two thousand five hundred men".split(), 0)
    Number(value=2500, end=4, text='2,500')
    """
    found = _cardinal(words, start)
    return found and Number(*found, _written(found[0], words[start : found[1]]))


def below_hundred(words: Words, start: int) -> tuple[int, int] | None:
    """A number from 1 to 99, and the index after it."""
    word = word_at(words, start)
    if word in _TENS:
        unit = DIGITS.get(word_at(words, start + 1), 0)
        return (_TENS[word] + unit, start + 2) if unit else (_TENS[word], start + 1)
    value = _TEENS.get(word) or DIGITS.get(word)
    return (value, start + 1) if value else None


def ordinal(words: Words, start: int) -> Number | None:
    """An ordinal: "third", "twenty first", "one hundred and tenth".

    >>> ordinal("twenty first century".split(), 0)
    Number(value=21, end=2, text='21st')
    """
    found = _ordinal(words, start)
    return found and Number(*found, f"{found[0]:,}{_suffix(found[0])}")


def decimal(words: Words, start: int) -> tuple[str, int] | None:
    """A number with decimals in figures, and the index after it: "three point one four"."""
    is_zero = word_at(words, start) in ("zero", "nought", "oh")
    whole = (0, start + 1) if is_zero else _cardinal(words, start)
    if not whole or word_at(words, whole[1]) != "point":
        return None
    end = whole[1] + 1
    digits = ""
    while (digit := _digit(words, end)) is not None:
        digits, end = digits + digit, end + 1
    if not digits and (pair := below_hundred(words, end)):
        digits, end = str(pair[0]), pair[1]
    return (f"{whole[0]:,}.{digits}", end) if digits else None


def year(words: Words, start: int) -> Number | None:
    """A year: "nineteen eighty four", "twenty oh five", "two thousand and nine".

    >>> year("seventeen seventy six".split(), 0)
    Number(value=1776, end=3, text='1776')
    """
    found = _year(words, start)
    return found and Number(*found, str(found[0]))


def digit_string(words: Words, start: int) -> tuple[str, int]:
    """Digits spoken one by one, and the index after them: "one eight double oh"."""
    digits, end = "", start
    while end < len(words):
        times = _TIMES.get(words[end], 1)
        digit = _digit(words, end + (times > 1))
        if digit is None:
            break
        digits, end = digits + times * digit, end + 1 + (times > 1)
    return digits, end


def _cardinal(words: Words, start: int) -> tuple[int, int] | None:
    total, end, smallest = 0, start, 10**15
    while True:
        has_and = bool(total) and word_at(words, end) == "and"
        group = _below_thousand(words, end + has_and, is_first=not total)
        if not group:
            break
        value, after = group
        scale = SCALES.get(word_at(words, after), 1)
        if scale >= smallest or (has_and and scale > 1):
            break
        total, end, smallest = total + value * scale, after + (scale > 1), scale
        if scale == 1:
            break
    return (total, end) if total else None


def _below_thousand(words: Words, start: int, is_first: bool) -> tuple[int, int] | None:
    """A number from 1 to 999, or hundreds up to 9,900; "a" is one before a hundred or scale."""
    following = word_at(words, start + 1)
    if is_first and word_at(words, start) == "a" and (following == _HUNDRED or following in SCALES):
        group: tuple[int, int] | None = (1, start + 1)
    else:
        group = below_hundred(words, start)
    if not group or word_at(words, group[1]) != _HUNDRED:
        return group
    value, end = 100 * group[0], group[1] + 1
    rest = below_hundred(words, end + (word_at(words, end) == "and"))
    return (value + rest[0], rest[1]) if rest else (value, end)


def _ordinal(words: Words, start: int) -> tuple[int, int] | None:
    """An ordinal, read as a cardinal after its last word has been replaced."""
    for last in range(start, min(start + 12, len(words))):
        word = words[last]
        if word in _ORDINALS:
            before = words[start:last]
            plain = [*before, _CARDINAL_OF[_ORDINALS[word]]]
        elif word in _ORDINAL_SCALES:
            plain = [*words[start:last], _ORDINAL_SCALES[word]]
        elif word in NUMBER_WORDS or word == "and" or (word == "a" and last == start):
            continue
        else:
            return None
        found = _cardinal(plain, 0)
        return (found[0], last + 1) if found and found[1] == len(plain) else None
    return None


_CARDINAL_OF = {value: word for words in (DIGITS, _TEENS, _TENS) for word, value in words.items()}


def _year(words: Words, start: int) -> tuple[int, int] | None:
    if words[start : start + 2] == ["two", "thousand"]:
        found = _cardinal(words, start)
        return found if found and 2000 <= found[0] < 2100 else None
    century = _TEENS.get(word_at(words, start))
    if word_at(words, start) == "twenty":
        century = 20
    if not century:
        return None
    following = word_at(words, start + 1)
    if following in _OH:
        digit = DIGITS.get(word_at(words, start + 2), 0)
        return (100 * century + digit, start + 3) if digit else None
    if following == _HUNDRED and century < 20:
        found = _cardinal(words, start)
        return found if found and found[0] < 2000 else None
    rest = below_hundred(words, start + 1)
    if not rest or rest[0] < 10:
        return None
    return 100 * century + rest[0], rest[1]


def _digit(words: Words, place: int) -> str | None:
    word = word_at(words, place)
    if word in _OH:
        return "0"
    return str(DIGITS[word]) if word in DIGITS else None


def _suffix(value: int) -> str:
    if value // 10 % 10 == 1:
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")


def _written(value: int, words: Words) -> str:
    """The figures. Round millions keep their word; years and centuries have no comma."""
    for word in ("trillion", "billion", "million"):
        if words[-1] == word and value % SCALES[word] == 0 and value < 1000 * SCALES[word]:
            return f"{value // SCALES[word]} {word}"
    is_century = words[0] in _TEENS and words[1:2] == [_HUNDRED] and value < 2000
    is_year = list(words[:2]) == ["two", "thousand"] and 2000 < value < 2100
    return str(value) if is_century or is_year else f"{value:,}"
