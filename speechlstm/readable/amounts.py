"""Numbers, measures, amounts of money and strings of digits in figures."""

from collections.abc import Sequence
from itertools import pairwise

from speechlstm.readable.numbers import (
    NUMBER_WORDS,
    ORDINAL_WORDS,
    SCALES,
    Number,
    below_hundred,
    cardinal,
    decimal,
    digit_string,
    ordinal,
    word_at,
)
from speechlstm.readable.speech import Speech, Written, stands_alone, word_set

_SMALLEST = 10  # smaller numbers are written in figures only beside units, months and the like

_BEFORE_SECOND = word_set("the his her my our your their its every")
_AFTER_SECOND = word_set("of century day birthday anniversary street avenue")
_NUMBERED = word_set(
    "page pages chapter section figure table room route highway flight gate channel apartment "
    "version volume line bus exit interstate"
)
# Units after which numbers are written in figures, except one: "one mile", but "5 miles".
_UNITS = word_set(
    "degrees miles kilometers kilometres meters metres centimeters centimetres millimeters "
    "millimetres inches yards acres hectares kilograms kilos grams milligrams pounds ounces tons "
    "tonnes liters litres gallons milliliters volts watts kilowatts megawatts amps hertz kilohertz "
    "megahertz gigahertz kilobytes megabytes gigabytes terabytes bits bytes pixels knots cents "
    "percentage"
)
_CURRENCIES = {"dollar": "$", "dollars": "$", "euro": "€", "euros": "€"}
# After a number, these say that it is a quantity and no year.
QUANTITIES = _UNITS | {"percent", "per", *_CURRENCIES}
# Before "a million": "half a million", "many a million"; "three quarters of a million".
_SHARES = word_set("half many")
_FRACTIONS = word_set("quarter quarters") | ORDINAL_WORDS | {f"{word}s" for word in ORDINAL_WORDS}
_JOINTS = word_set("to or and")  # of the ends of a range
_OF_NUMBERS = NUMBER_WORDS | {"point"}
_WRITTEN_SCALES = tuple(
    scale for scale in SCALES if scale != "thousand"
)  # "3 million", but "3,000"
_PHONE_DIGITS = (10, 11)
_BEFORE_POINT = NUMBER_WORDS | word_set("oh a the this that some any one every which what no")


def _quantity(words: Sequence[str], start: int) -> tuple[Written, bool] | None:
    """A number, possibly with a decimal point and a scale, and whether it has neither."""
    if found := decimal(words, start):
        text, end = found
        if word_at(words, end) in SCALES:
            return (f"{text} {words[end]}", end + 1), False
        return found, False
    number = cardinal(words, start)
    if word_at(words, start) == "zero":
        number = Number(0, start + 1, "0")
    # A quantity has a comma, also if the same number were a year or a century.
    text = f"{number.value:,}" if number and number.text.isdecimal() else ""
    return ((text or number.text, number.end), True) if number else None


def measure(speech: Speech, start: int) -> Written | None:
    """5%; $5.20; €3 million; 5 miles; -5 degrees; 0.5%."""
    words, before = speech.clause(start), speech.before(start)
    sign = "-" if words[start] in ("minus", "negative") else ""
    quantity = _quantity(words, start + len(sign))
    if not quantity and words[start] == "point" and before not in _BEFORE_POINT:
        digits, end = digit_string(words, start + 1)
        if digits and (word_at(words, end) == "percent" or words[end : end + 2] == ["per", "cent"]):
            quantity = (f"0.{digits}", end), False
    is_part = words[start] == "a" and _divides(speech, start)
    if not quantity or is_part or before in (*NUMBER_WORDS, "point"):
        return None
    (text, end), _ = quantity
    if _shares_scale(words, start):
        return None
    unit, following = word_at(words, end), word_at(words, end + 1)
    if unit == "percent":
        return f"{sign}{text}%", end + 1
    if (unit, following) == ("per", "cent"):
        return f"{sign}{text}%", end + 2
    if unit in _CURRENCIES and not sign and (unit in ("dollars", "euros")) == (text != "1"):
        return _money(words, text, end)
    if unit in _UNITS and text != "1":
        return f"{sign}{text}", end
    return None


def _divides(speech: Speech, start: int) -> bool:
    """Whether what stands before "a million" is a share of it: "half", "three quarters of"."""
    word, before = speech.before(start), speech.before(start - 1)
    return word in _SHARES or (word == "of" and (before in _SHARES or before in _FRACTIONS))


def _money(words: Sequence[str], text: str, end: int) -> Written:
    sign = _CURRENCIES[words[end]]
    cents = below_hundred(words, end + 2) if word_at(words, end + 1) == "and" else None
    cents = cents or below_hundred(words, end + 1)
    if cents and "." not in text and not text.endswith(tuple(SCALES)):
        if word_at(words, cents[1]) in ("cent", "cents"):
            return f"{sign}{text}.{cents[0]:02}", cents[1] + 1
        if cents[1] == len(words) and cents[0] >= _SMALLEST and words[end + 1] != "and":
            return f"{sign}{text}.{cents[0]}", cents[1]  # "five dollars fifty"
    return f"{sign}{text}", end + 1


def spoken_digits(speech: Speech, start: int) -> Written | None:
    """18005; 555-1212; 412-268-2000: digits spoken one by one, except in counting."""
    words = speech.sentence(start)
    digits, end = digit_string(words, start)
    is_numbered = len(digits) > 1 and speech.before(start) in _NUMBERED
    if found := _phone_number(words, start):
        digits, end = found
    is_long_enough = len(digits) >= 4 or digits in ("911", "411") or is_numbered
    if not is_long_enough or words[start] == "o" or not stands_alone(words, start, end):
        return None
    steps = {int(after) - int(before) for before, after in pairwise(digits)}
    if steps <= {1} or steps <= {-1}:
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


def decimal_number(speech: Speech, start: int) -> Written | None:
    """3.14; 1.5 million; 1.2.3."""
    words = speech.clause(start)
    quantity = _quantity(words, start)
    if not quantity or quantity[1]:
        return None
    text, end = quantity[0]
    while word_at(words, end) == "point" and (more := digit_string(words, end + 1))[0]:
        text, end = f"{text}.{more[0]}", more[1]  # of a version or a section
    return (text, end) if stands_alone(words, start, end) else None


def ordinal_number(speech: Speech, start: int) -> Written | None:
    """21st."""
    words = speech.clause(start)
    found = ordinal(words, start)
    if not found or found.value < _SMALLEST or not stands_alone(words, start, found.end):
        return None
    is_second = words[found.end - 1] == "second"  # perhaps the unit of time
    named = speech.before(start) in _BEFORE_SECOND or word_at(words, found.end) in _AFTER_SECOND
    if is_second and not named:
        return None
    # "one hundredth", "one thousandth" and "a tenth of" are fractions.
    is_fraction = words[start] in ("one", "a") and found.end == start + 2
    is_fraction |= speech.before(start) == "a" and word_at(words, found.end) == "of"
    return None if is_fraction else (found.text, found.end)


def cardinal_number(speech: Speech, start: int) -> Written | None:
    """25; 1,200; 2 million; page 3; 5 or 10."""
    words = speech.clause(start)
    found = cardinal(words, start)
    if not found or not stands_alone(words, start, found.end):
        return None
    is_idiom = words[start] == "a" and found.end == start + 2  # "a hundred", "a million"
    following, before = word_at(words, found.end), speech.before(start)
    # "twenty one oh five", "oh six hundred hours", "a dollar fifty"
    is_part = (following == "oh" and word_at(words, found.end + 1) in NUMBER_WORDS) or (
        before == "oh" or before in _CURRENCIES
    )
    if is_idiom or is_part or following == "point":
        return None
    if _shares_scale(words, start) and word_at(words, found.end - 1) not in _WRITTEN_SCALES:
        return None
    if found.value >= _SMALLEST or before in _NUMBERED:
        return found.text, found.end
    return (found.text, found.end) if _has_figure_beside(words, start, found.end) else None


def _shares_scale(words: Sequence[str], start: int) -> bool:
    """Whether a number is an end of a range whose scale is said once: "two or three hundred"."""
    if word_at(words, start - 1) in _JOINTS:
        first = start - 1
        while word_at(words, first - 1) in _OF_NUMBERS:
            first -= 1
        if first < start - 1 and _scale_of_range(words, first) is not None:
            return True
    return _scale_of_range(words, start) not in (None, *_WRITTEN_SCALES)


def _scale_of_range(words: Sequence[str], start: int) -> str | None:
    """The scale of both ends of a range that begins at an index; None if each has its own."""
    first = _value(words, start)
    if not first or word_at(words, first[1]) not in _JOINTS:
        return None
    second, last = first[1] + 1, first[1] + 1
    while word_at(words, last + 1) in _OF_NUMBERS:
        last += 1
    scale, factor = word_at(words, last), _value(words[:last], second)
    if scale not in ("hundred", *SCALES):
        return None
    return scale if factor and factor[1] == last and first[0] < factor[0] else None


def _value(words: Sequence[str], start: int) -> tuple[float, int] | None:
    """The value of a number, possibly with a decimal point, and the index after it."""
    if found := decimal(words, start):
        return float(found[0].replace(",", "")), found[1]
    number = cardinal(words, start)
    return (number.value, number.end) if number else None


def _has_figure_beside(words: Sequence[str], start: int, end: int) -> bool:
    """Whether a small number is one end of a range whose other end is written in figures."""
    if word_at(words, end) in ("to", "or"):
        other = cardinal(words, end + 1)
        after = other and word_at(words, other.end) not in ("o'clock", "past")
        if other and after and other.value >= _SMALLEST:
            return stands_alone(words, end + 1, other.end)
    if word_at(words, start - 1) in ("to", "or"):
        first = start - 1
        while word_at(words, first - 1) in NUMBER_WORDS:
            first -= 1
        other = cardinal(words[: start - 1], first) if first < start - 1 else None
        return bool(other) and other.end == start - 1 and other.value >= _SMALLEST  # type: ignore[union-attr]
    return False
