"""Numbers, measures, amounts of money and strings of digits in figures."""

from collections.abc import Sequence
from itertools import pairwise

from speechlstm.readable.numbers import (
    NUMBER_WORDS,
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
    return ((number.text, number.end), True) if number else None


def measure(speech: Speech, start: int) -> Written | None:
    """5%; $5.20; €3 million; 5 miles; -5 degrees."""
    words = speech.clause(start)
    sign = "-" if words[start] in ("minus", "negative") else ""
    quantity = _quantity(words, start + len(sign))
    if not quantity or speech.before(start) in NUMBER_WORDS:
        return None
    (text, end), _ = quantity
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


def _money(words: Sequence[str], text: str, end: int) -> Written:
    sign = _CURRENCIES[words[end]]
    cents = below_hundred(words, end + 2) if word_at(words, end + 1) == "and" else None
    cents = cents or below_hundred(words, end + 1)
    if cents and word_at(words, cents[1]) in ("cent", "cents") and "." not in text:
        return f"{sign}{text}.{cents[0]:02}", cents[1] + 1
    return f"{sign}{text}", end + 1


def spoken_digits(speech: Speech, start: int) -> Written | None:
    """18005; 555-1212; 412-268-2000: digits spoken one by one, except in counting."""
    words = speech.sentence(start)
    digits, end = digit_string(words, start)
    is_long_enough = len(digits) >= 4 or digits in ("911", "411")
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


def decimal_number(speech: Speech, start: int) -> Written | None:
    """3.14; 1.5 million."""
    words = speech.clause(start)
    quantity = _quantity(words, start)
    if not quantity or quantity[1] or not stands_alone(words, start, quantity[0][1]):
        return None
    return quantity[0]


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
    # "one hundredth" and "one thousandth" are fractions.
    is_fraction = words[start] in ("one", "a") and found.end == start + 2
    return None if is_fraction else (found.text, found.end)


def cardinal_number(speech: Speech, start: int) -> Written | None:
    """25; 1,200; 2 million; page 3; 5 or 10."""
    words = speech.clause(start)
    found = cardinal(words, start)
    if not found or not stands_alone(words, start, found.end):
        return None
    is_idiom = words[start] == "a" and found.end == start + 2  # "a hundred", "a million"
    if is_idiom or word_at(words, found.end) == "point":
        return None
    if found.value >= _SMALLEST or speech.before(start) in _NUMBERED:
        return found.text, found.end
    return (found.text, found.end) if _has_figure_beside(words, start, found.end) else None


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
