"""Digits spoken one by one in figures."""

from collections.abc import Sequence
from itertools import pairwise

from speechlstm.readable.numbers import digit_string, word_at
from speechlstm.readable.speech import NUMBERED, Speech, Written, stands_alone

_PHONE_DIGITS = (10, 11)


def spoken_digits(speech: Speech, start: int) -> Written | None:
    """18005; 555-1212; 412-268-2000: digits spoken one by one, except in counting."""
    words = speech.words
    digits, end = digit_string(words, start)
    is_numbered = len(digits) > 1 and speech.before(start) in NUMBERED
    if found := _phone_number(words, start):
        digits, end = found
    is_long_enough = len(digits) >= 4 or digits in ("911", "411") or is_numbered
    if not is_long_enough or words[start] == "o" or not stands_alone(words, start, end):
        return None
    steps = {int(after) - int(before) for before, after in pairwise(digits)}
    if len(steps) == 1 and steps != {0}:
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
