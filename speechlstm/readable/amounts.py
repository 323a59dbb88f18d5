"""Numbers, measures and amounts of money in figures."""

from collections.abc import Sequence

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
from speechlstm.readable.pairs import (
    MEASURE_JOINTS,
    SMALLEST,
    WRITTEN_SCALES,
    has_figure_beside,
    shares_scale,
)
from speechlstm.readable.speech import (
    JOINTS,
    NUMBERED,
    Speech,
    Written,
    is_numbered,
    is_pronoun,
    stands_alone,
    word_set,
)

_BEFORE_SECOND = word_set("the his her my our your their its every")
_AFTER_SECOND = word_set("of century day birthday anniversary street avenue")
# Units after which numbers are written in figures, except one: "one mile", but "5 miles".
_UNITS = word_set(
    "degrees miles kilometers kilometres meters metres centimeters centimetres millimeters "
    "millimetres inches yards acres hectares kilograms kilos grams milligrams pounds ounces tons "
    "tonnes liters litres gallons milliliters volts watts kilowatts megawatts amps hertz kilohertz "
    "megahertz gigahertz kilobytes megabytes gigabytes terabytes bits bytes pixels knots cents "
    "percentage"
)
_CURRENCIES = {"dollar": "$", "dollars": "$", "euro": "€", "euros": "€"}
_NOT_SAID = {("dollars", "1"), ("euros", "1")}
_FEET = word_set("feet foot")
_DIMENSIONS = word_set("tall high long wide deep thick")
_BEFORE_CLOCK = word_set("at by until till before after around since from to")
COUNTED = word_set("years months weeks days hours minutes seconds times people men women children")
# After a number, these say that it is a quantity and no year.
QUANTITIES = _UNITS | {"percent", "per", *_CURRENCIES}
# Before "a million": "half a million", "many a million"; "three quarters of a million".
_SHARES = word_set("half many")
_FRACTIONS = word_set("quarter quarters") | ORDINAL_WORDS | {f"{word}s" for word in ORDINAL_WORDS}
_BEFORE_POINT = NUMBER_WORDS | word_set("oh a the this that some any one every which what no")


def _quantity(words: Sequence[str], start: int) -> tuple[Written, bool] | None:
    """A number, possibly with a decimal point and a scale, and whether it has neither."""
    if found := decimal(words, start):
        text, end = found
        if word_at(words, end) in SCALES:
            return (f"{text} {words[end]}", end + 1), False
        return found, False
    number = cardinal(words, start) or _zero(words, start)
    # A quantity has a comma, also if the same number were a year or a century.
    text = f"{number.value:,}" if number and number.text.isdecimal() else ""
    return ((text or number.text, number.end), True) if number else None


def _zero(words: Sequence[str], start: int) -> Number | None:
    return Number(0, start + 1, "0") if word_at(words, start) == "zero" else None


def measure(speech: Speech, start: int) -> Written | None:
    """5%; $5.20; €3 million; 5 miles; -5 degrees; 0.5%."""
    quantity = _signed_quantity(speech, start)
    if not quantity:
        return None
    words, (text, end) = speech.clause(start), quantity
    unit, following = word_at(words, end), word_at(words, end + 1)
    if unit == "percent":
        return f"{text}%", end + 1
    if (unit, following) == ("per", "cent"):
        return f"{text}%", end + 2
    is_article = words[start] == "a" and unit in ("dollar", "euro")  # "a hundred dollar bill"
    is_money = unit in _CURRENCIES and text[0] != "-" and (unit, text) not in _NOT_SAID
    if is_money and not is_article:
        return _money(words, text, end)
    is_measure = (unit in _UNITS and text not in ("1", "-1")) or _is_height(words, start, end)
    return (text, end) if is_measure else None


def first_measure(speech: Speech, start: int) -> Written | None:
    """$5, of "five to ten dollars": the first of two numbers whose unit is said once."""
    quantity = _signed_quantity(speech, start)
    words = speech.clause(start)
    if not quantity or word_at(words, quantity[1]) not in MEASURE_JOINTS:
        return None
    text, end = quantity
    if words[end] == "and" and "," in text and speech.before(start) != "between":
        return None  # perhaps a year
    second = measure(speech, end + 1) if end + 1 < len(words) else None
    if not second or speech.before(start) in NUMBERED or is_pronoun(speech, start, end):
        return None
    symbol = second[0][0] if second[0][0] in _CURRENCIES.values() else ""
    return (symbol + text, end) if not symbol or text[0] != "-" else None


def _signed_quantity(speech: Speech, start: int) -> Written | None:
    """A number before a unit, perhaps below zero or without a digit before its point."""
    words, before = speech.clause(start), speech.before(start)
    sign = "-" if words[start] in ("minus", "negative") and before not in ("plus", "or") else ""
    quantity = _quantity(words, start + len(sign))
    if not quantity and words[start] == "point" and before not in _BEFORE_POINT:
        digits, end = digit_string(words, start + 1)
        if digits and (word_at(words, end) == "percent" or words[end : end + 2] == ["per", "cent"]):
            quantity = (f"0.{digits}", end), False
    is_part = words[start] == "a" and _divides(speech, start)
    if not quantity or is_part or before in (*NUMBER_WORDS, "point"):
        return None
    (text, end), _ = quantity
    return None if shares_scale(words, start) else (sign + text, end)


def _is_height(words: Sequence[str], start: int, end: int) -> bool:
    """Whether a number is the feet or inches of "five foot ten" or "five feet ten inches tall"."""
    if word_at(words, end) in _FEET:
        if word_at(words, end + 1) in _DIMENSIONS:
            return True
        inches = below_hundred(words, end + 1)
    elif word_at(words, start - 1) in _FEET and word_at(words, start - 2) in NUMBER_WORDS:
        inches = below_hundred(words, start)
    else:
        return False
    follows = word_at(words, inches[1]) if inches else None
    return inches is not None and inches[0] < 12 and follows in ("", "inches", "tall")


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
        if cents[1] == len(words) and cents[0] >= SMALLEST and words[end + 1] != "and":
            return f"{sign}{text}.{cents[0]}", cents[1]  # "five dollars fifty"
    if text[-2:-1] == ".":
        return f"{sign}{text}0", end + 1  # "one point five dollars"
    return f"{sign}{text}", end + 1


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
    if not found or not stands_alone(words, start, found.end):
        return None
    if found.value < SMALLEST and not _has_ordinal_beside(words, start):
        return None
    is_second = words[found.end - 1] == "second"  # perhaps the unit of time
    has_noun = speech.before(start) in _BEFORE_SECOND or word_at(words, found.end) in _AFTER_SECOND
    if is_second and not has_noun:
        return None
    # "one hundredth" and "a tenth" are fractions; "an eleventh hour" is another one.
    is_fraction = words[start] in ("one", "a") and found.end == start + 2
    is_fraction &= speech.before(start) != "the"  # "the one hundredth visitor"
    is_named = word_at(words, found.end) in _AFTER_SECOND - {"of"}
    is_fraction |= found.end == start + 1 and not is_named and speech.before(start) in ("a", "an")
    other = word_at(words, found.end) in JOINTS and ordinal(words, found.end + 1)
    return None if is_fraction and not other else (found.text, found.end)


def _has_ordinal_beside(words: Sequence[str], start: int) -> bool:
    """Whether a small ordinal is one of two whose other one is in figures: "ninth and tenth"."""
    if word_at(words, start + 1) in JOINTS:
        other = ordinal(words, start + 2 + (word_at(words, start + 2) == "the"))
        return other is not None and other.value >= SMALLEST
    last = start - 1 - (word_at(words, start - 1) == "the")
    other = ordinal(words, last - 1) if word_at(words, last) in JOINTS else None
    return other is not None and other.end == last and other.value >= SMALLEST


def cardinal_number(speech: Speech, start: int) -> Written | None:
    """25; 1,200; 2 million; page 3; 5 or 10."""
    words = speech.clause(start)
    found = cardinal(words, start) or _zero(words, start)
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
    if shares_scale(words, start) and word_at(words, found.end - 1) not in WRITTEN_SCALES:
        return None
    is_count = counted(speech, found.end) in COUNTED and found.text.isdecimal()
    if is_count and found.value >= 1000 and not _is_clock(speech, start, found):
        return f"{found.value:,}", found.end  # not as a year or a century
    if found.value >= SMALLEST or is_numbered(speech, start, found.end):
        return found.text, found.end
    is_number = not is_pronoun(speech, start, found.end) and following not in _FRACTIONS
    is_number &= has_figure_beside(speech, start, found.end)
    return (found.text, found.end) if is_number else None


def counted(speech: Speech, end: int) -> str:
    """What a number counts, perhaps beside another: "fifteen hundred or two thousand people"."""
    if end == len(speech.words) or not speech.before(end):
        return ""
    words = speech.clause(end)
    other = cardinal(words, end + 1) if words[end] in JOINTS else None
    return word_at(words, other.end if other else end)


def _is_clock(speech: Speech, start: int, found: Number) -> bool:
    """Whether a number is a time: "at fifteen hundred hours"."""
    words, end = speech.words, found.end
    is_hour = words[end - 1] == "hundred" and found.value <= 2400 and word_at(words, end) == "hours"
    return is_hour and word_at(words, end + 1) != "of" and speech.before(start) in _BEFORE_CLOCK
