"""Numbers in expressions that the rules for numbers would write otherwise."""

from collections.abc import Sequence

from speechlstm.readable.amounts import measure
from speechlstm.readable.dates import time_of_day
from speechlstm.readable.numbers import (
    DIGITS,
    NUMBER_WORDS,
    SCALES,
    below_hundred,
    cardinal,
    decimal,
    word_at,
)
from speechlstm.readable.speech import Speech, Written, end_of_numbers, stands_alone, word_set

_TENS = word_set("twenty thirty forty fifty sixty seventy eighty ninety")
_PARTS = word_set("half third thirds quarter quarters")
_MINUTES = word_set("half quarter five ten twenty minutes")  # the last word before "past" and "to"
# Before "ten to five", where it is a time.
_BEFORE_TIMES = word_set("at by till until before since")
_ADJECTIVAL = word_set(  # units in the singular, which make an adjective of a number
    "year month week day hour minute mile foot inch yard meter metre kilometer kilometre liter "
    "litre gallon pound ounce kilogram ton acre degree volt watt cent megapixel"
)
_AGES = word_set("year month week day")
_NOT_NOUNS = word_set(
    "a an the this that these those and or but of in on at to from by for with than as if is was "
    "are were be so i you he she it we they more later ago away apart before after until when "
    "while per tall high long wide deep thick old celsius fahrenheit "
    "island creek"  # Three Mile Island
)
_BEFORE_EARLIER = _BEFORE_TIMES | word_set("was is it's about around after")


def spelled_out(speech: Speech, start: int) -> Written | None:
    """Half past ten; at ten to five; ten and a half; four and twenty; at one point ten people."""
    words = speech.clause(start)
    for end in (_time(speech, start), _mixed_number(words, start), _old_number(speech, start)):
        if end:
            return " ".join(words[start:end]), end
    if words[start : start + 3] == ["at", "one", "point"] and not _is_decimal(speech, start + 1):
        return "at one point", start + 3
    return None


def _time(speech: Speech, start: int) -> int | None:
    """The index after minutes and an hour: "twenty five past ten", "a quarter to ten"."""
    words, before = speech.clause(start), speech.before(start)
    minutes = below_hundred(words, start)
    joint = minutes[1] if minutes else start + 1
    joint += word_at(words, joint) == "minutes"
    hour = below_hundred(words, joint + 1)
    if words[joint - 1] not in _MINUTES or not hour or hour[0] > 12:
        return None
    if end_of_numbers(words, joint + 1) > hour[1]:
        return None
    is_part = words[start] in ("half", "quarter")
    if word_at(words, joint) == "past" or (is_part and word_at(words, joint) == "to"):
        return hour[1]
    is_earlier = minutes and hour[0] < minutes[0] and before in _BEFORE_EARLIER
    if word_at(words, joint) != "to" or not (before in _BEFORE_TIMES or is_earlier):
        return None
    is_range = measure(speech, joint + 1) or time_of_day(speech, joint + 1)  # "by ten to eleven am"
    return hour[1] if minutes and not is_range else None


def _mixed_number(words: Sequence[str], start: int) -> int | None:
    """The index after a number below 100 whose fraction follows: "ten" of "ten and a half"."""
    number = below_hundred(words, start)
    if not number or words[number[1] : number[1] + 1] != ["and"]:
        return None
    if word_at(words, start - 1) in NUMBER_WORDS or word_at(words, start - 1) == "and":
        return None
    return number[1] if word_at(words, number[1] + 2) in _PARTS else None


def _old_number(speech: Speech, start: int) -> int | None:
    """The index after "four and twenty", or "ninety and nine"."""
    words = speech.clause(start)
    first, joint, second = (word_at(words, start + index) for index in range(3))
    is_old = (first in DIGITS and second in _TENS) or (first in _TENS and second in DIGITS)
    if not is_old or joint != "and" or end_of_numbers(words, start + 2) > start + 3:
        return None
    return None if speech.before(start) in (*NUMBER_WORDS, "between") else start + 3


def _is_decimal(speech: Speech, start: int) -> bool:
    """Whether "one point five" is a number; "at one point five people came" has none."""
    words = speech.clause(start)
    found = decimal(words, start)
    if not found:
        return False
    return bool(measure(speech, start)) or word_at(words, found[1]) in ("", *SCALES)


def compound(speech: Speech, start: int) -> Written | None:
    """10-minute, before a noun; two-hour; 15-year-old."""
    words = speech.clause(start)
    number = cardinal(words, start)
    if not number or number.value == 1 or not stands_alone(words, start, number.end):
        return None
    spoken, unit, end = words[start : number.end], word_at(words, number.end), number.end + 1
    is_part = speech.before(start) in (*_ADJECTIVAL, "point")  # "a three foot six inch gauge"
    if unit not in _ADJECTIVAL or "a" in spoken or is_part:
        return None
    text, following = number.text if number.value >= 10 else spoken[0], word_at(words, end)
    if unit in _AGES and following in ("old", "olds"):
        return f"{text}-{unit}-{following}", end + 1
    if following in ("", *_NOT_NOUNS) or end_of_numbers(words, end) > end:
        return None
    return f"{text}-{unit}", end
