"""Digits spoken one by one, and numbers spoken in two parts, in figures."""

from collections.abc import Sequence
from itertools import pairwise

from speechlstm.readable.amounts import COUNTED, QUANTITIES
from speechlstm.readable.numbers import ORDINAL_WORDS, below_hundred, digit_string, word_at
from speechlstm.readable.speech import NUMBERED, Speech, Written, stands_alone, word_set

_PHONE_DIGITS = (10, 11)
_STREETS = word_set("street avenue road boulevard lane drive terrace parkway")
_LONGEST_STREET = 4  # words: "south las vegas boulevard"
_NOT_IN_STREETS = word_set(
    "the a an this that these those my your his her its our their some no and or but of in on at "
    "to from by for with is was are were i you he she it we they people"
)


def numbered(speech: Speech, start: int) -> Written | None:
    """Room 312; flight 1045; 221 Baker Street: a number spoken in two parts."""
    words = speech.clause(start)
    found = _in_two_parts(words, start)
    if not found or not stands_alone(words, start, found[1]):
        return None
    following = word_at(words, found[1])
    is_name = speech.before(start) in NUMBERED - {"version"}  # "version three eleven" is 3.11
    is_name &= following not in (*QUANTITIES, *COUNTED)
    if not is_name:
        return found if _is_in_street(words, found[1]) else None
    decimals, end = digit_string(words, found[1] + 1) if following == "point" else ("", 0)
    return (f"{found[0]}.{decimals}", end) if decimals else found


def _in_two_parts(words: Sequence[str], start: int) -> Written | None:
    """Two numbers below 100 as one: "two twenty one", "twelve oh five"."""
    first = below_hundred(words, start)
    if not first:
        return None
    digits, end = digit_string(words, first[1])
    if len(digits) == 2 and digits[0] == "0":
        return f"{first[0]}{digits}", end
    second = below_hundred(words, first[1])
    return (f"{first[0]}{second[0]}", second[1]) if second and second[0] >= 10 else None


def _is_in_street(words: Sequence[str], end: int) -> bool:
    """Whether a name of a street follows a number."""
    for place in range(end, min(end + _LONGEST_STREET, len(words))):
        if words[place] in _STREETS:
            return place > end
        if words[place] in _NOT_IN_STREETS or (place == end and words[place] in ORDINAL_WORDS):
            return False
    return False


def spoken_digits(speech: Speech, start: int) -> Written | None:
    """18005; 555-1212; 412-268-2000: digits spoken one by one, except in counting."""
    words = speech.words
    digits, end = digit_string(words, start)
    is_name = len(digits) > 1 and speech.before(start) in NUMBERED
    if found := _phone_number(words, start):
        digits, end = found
    is_long_enough = len(digits) >= 4 or digits in ("911", "411") or is_name
    if not is_long_enough or words[start] == "o" or not stands_alone(words, start, end):
        return None
    steps = {int(after) - int(before) for before, after in pairwise(digits)}
    if len(steps) == 1 and steps != {0} and speech.before(start) != "number":
        return None
    groups = {7: (3,), 10: (3, 6), 11: (1, 4, 7)}.get(len(digits), ())
    if len(digits) == 11 and digits[0] != "1":
        groups = ()
    bounds = zip((0, *groups), (*groups, len(digits)), strict=True)
    return "-".join(digits[first:last] for first, last in bounds), end


def _phone_number(words: Sequence[str], start: int) -> Written | None:
    """The digits of a phone number in which some are spoken as hundreds or a thousand."""
    digits, end = "", start
    while len(digits) <= max(_PHONE_DIGITS):
        more, end = digit_string(words, end)
        digits += more
        zeros = {"hundred": "00", "thousand": "000"}.get(word_at(words, end), "")
        if not more or not zeros:
            break
        digits, end = digits + zeros, end + 1
    return (digits, end) if len(digits) in _PHONE_DIGITS else None
