"""Dates, times and years in figures."""

from collections.abc import Sequence

from speechlstm.readable.amounts import COUNTED, QUANTITIES, counted
from speechlstm.readable.numbers import (
    DIGITS,
    NUMBER_WORDS,
    ORDINAL_WORDS,
    SCALES,
    Number,
    below_hundred,
    ordinal,
    word_at,
    year,
)
from speechlstm.readable.speech import JOINTS, Speech, Written, is_pronoun, stands_alone, word_set

MONTHS = word_set(
    "january february march april may june july august september october november december"
)
_VERBS = word_set("may march")  # months that are verbs as well
_SUBJECTS = word_set("i you he she it we they this that these those which who to and")
_BEFORE_YEARS = word_set(
    "in since year until till by from before after during around circa early late mid"
)
_NAME_YEARS = word_set("in since until till year early late mid circa")  # also of hundreds
_BEFORE_TIMES = word_set("at by until till from to before after around about between past since")
_APPOINTMENTS = word_set("alarm alarms appointment meeting reservation reminder")  # for 6:15
_PARTS_OF_DAY = word_set("morning afternoon evening")
_BEFORE_PRICES = word_set("cost costs pay pays paid")


def date(speech: Speech, start: int) -> Written | None:
    """July 4, 1776; July 4; July 4 to 10; July 1776."""
    words, month = speech.words, speech.words[start]
    if month not in MONTHS:
        return None
    day = ordinal(words, start + 1)
    is_named = bool(day) and not (month in _VERBS and _has_subject(speech, start))
    if not day and (number := below_hundred(words, start + 1)):
        day = Number(*number, "")
    name = month.capitalize()
    if day and day.value <= 31:
        of_day = year(words, day.end)
        if of_day and of_day.value >= 1000 and stands_alone(words, of_day.end, of_day.end):
            return f"{name} {day.value}, {of_day.text}", of_day.end
    found = year(words, start + 1)
    if found and stands_alone(words, found.end, found.end):
        return f"{name} {found.text}", found.end
    if not day or day.value > 31:
        return None
    if not stands_alone(words, day.end, day.end) and not time_of_day(speech, day.end):
        return None
    # "in june twenty people came"
    if not is_named and (month in _VERBS or speech.before(start) == "in"):
        return None
    return (is_named and _days(words, name, day)) or (f"{name} {day.value}", day.end)


def _has_subject(speech: Speech, start: int) -> bool:
    """Whether a month is a verb after what stands there; not "may" of "may first to may third"."""
    before, joins = speech.before(start), speech.before(start) in JOINTS
    follows_date = joins and speech.before(start - 1) in ORDINAL_WORDS | NUMBER_WORDS
    return before in _SUBJECTS and not follows_date


def _days(words: Sequence[str], month: str, first: Number) -> Written | None:
    """July 4 to 10; July 4 and 5, 1776."""
    joint, last = word_at(words, first.end), ordinal(words, first.end + 1)
    if joint not in JOINTS or not last or not first.value < last.value <= 31:
        return None
    text, found = f"{month} {first.value} {joint} {last.value}", year(words, last.end)
    if found and found.value >= 1000 and stands_alone(words, found.end, found.end):
        return f"{text}, {found.text}", found.end
    return (text, last.end) if stands_alone(words, last.end, last.end) else None


def day_of_month(speech: Speech, start: int) -> Written | None:
    """(the) 4th of July 1776; 4th July 1776."""
    words = speech.clause(start)
    day = ordinal(words, start)
    if not day or day.value > 31:
        return None
    has_of = word_at(words, day.end) == "of"
    month, end = word_at(words, day.end + has_of), day.end + has_of + 1
    if month not in MONTHS:
        return None
    written, of_month = f"{day.text} of" if has_of else day.text, year(words, end)
    if of_month and stands_alone(words, of_month.end, of_month.end):
        return f"{written} {month.capitalize()} {of_month.text}", of_month.end
    if month in _VERBS and not has_of:
        return None
    return f"{written} {month.capitalize()}", end


def first_day(speech: Speech, start: int) -> Written | None:
    """1st, of "the first and second of may"."""
    words = speech.clause(start)
    day = ordinal(words, start)
    if not day or day.value > 31 or word_at(words, day.end) not in JOINTS:
        return None
    other = day.end + 1 + (word_at(words, day.end + 1) == "the")
    is_day = other < len(words) and day_of_month(speech, other)
    return (day.text, day.end) if is_day else None


def time_of_day(speech: Speech, start: int) -> Written | None:
    """5:30 p.m.; 5 p.m.; 10 o'clock; 5:30 after "at" and the like; 17:30 after "at"."""
    words = speech.clause(start)
    hour = below_hundred(words, start)
    if hour and 12 < hour[0] < 24:
        minutes = _minutes(words, hour[1])
        is_time = minutes and speech.before(start) == "at"
        if minutes and is_time and _is_whole(words, start, minutes[1]):
            return f"{hour[0]}:{minutes[0]}", minutes[1]
    if not (found := _hours_and_minutes(words, start)):
        return None
    text, end = found
    if word_at(words, end) == "o'clock" and ":" not in text:
        return f"{text} o'clock", end + 1
    for half, letter in (("a.m.", "a"), ("p.m.", "p")):
        if word_at(words, end) == f"{letter}m":
            return f"{text} {half}", end + 1
        if word_at(words, end) == letter and word_at(words, end + 1) == "m":
            return f"{text} {half}", end + 2
    is_time = speech.before(start) in _BEFORE_TIMES or _is_of_day(words, end)
    is_time |= speech.before(start) == "for" and speech.before(start - 1) in _APPOINTMENTS
    is_time &= ":" in text
    is_time |= (":" in text or end == len(words)) and _follows_time(speech, start)
    return found if is_time and _is_whole(words, start, end) else None


def _is_whole(words: Sequence[str], start: int, end: int) -> bool:
    """Whether neither more of the number follows nor what it is a quantity of."""
    return stands_alone(words, start, end) and word_at(words, end) not in QUANTITIES


def _is_of_day(words: Sequence[str], end: int) -> bool:
    """Whether a part of the day follows: "in the morning", "this evening", "tonight"."""
    if words[end : end + 2] == ["in", "the"] or word_at(words, end) in ("this", "tomorrow"):
        return not _PARTS_OF_DAY.isdisjoint(words[end + 1 : end + 3])
    return word_at(words, end) == "tonight"


def _follows_time(speech: Speech, start: int) -> bool:
    """Whether another time, with minutes, stands before: "between five fifteen and six"."""
    if speech.before(start) not in JOINTS:
        return False
    for first in (start - 3, start - 4):
        found = _hours_and_minutes(speech.words, first) if first > 0 else None
        if found and found[1] == start - 1 and ":" in found[0]:
            return speech.before(first) in _BEFORE_TIMES
    return False


def first_time(speech: Speech, start: int) -> Written | None:
    """9, of "nine or ten o'clock"; 5:30, of "five thirty to six p m"."""
    words = speech.clause(start)
    found = _hours_and_minutes(words, start)
    if not found or word_at(words, found[1]) not in JOINTS or found[1] + 1 == len(words):
        return None
    is_time = stands_alone(words, start, found[1]) and not is_pronoun(speech, start, found[1])
    return found if is_time and time_of_day(speech, found[1] + 1) else None


def _hours_and_minutes(words: Sequence[str], start: int) -> Written | None:
    """5, 5:30: "five thirty" is a time, "twenty five" is not."""
    hour = below_hundred(words, start)
    if not hour or hour[0] > 12 or hour[1] != start + 1:
        return None
    minutes = _minutes(words, hour[1])
    return (f"{hour[0]}:{minutes[0]}", minutes[1]) if minutes else (f"{hour[0]}", hour[1])


def _minutes(words: Sequence[str], start: int) -> Written | None:
    if word_at(words, start) in ("oh", "o"):
        digit = DIGITS.get(word_at(words, start + 1), 0)
        return (f"0{digit}", start + 2) if digit else None
    found = below_hundred(words, start)
    return (f"{found[0]}", found[1]) if found and 10 <= found[0] < 60 else None


def decade(speech: Speech, start: int) -> Written | None:
    """1960s; 1800s."""
    words = list(speech.clause(start))
    for place in (start + 1, start + 2):
        plural = word_at(words, place)
        singular = f"{plural[:-3]}y" if plural.endswith("ies") else plural.removesuffix("s")
        if plural != singular and singular in NUMBER_WORDS and singular not in SCALES:
            words[place] = singular
            found = year(words[: place + 1], start)
            if found and found.end == place + 1 and found.value % 10 == 0:
                return f"{found.text}s", found.end
    return None


def _ends_range_of_years(words: Sequence[str], start: int) -> bool:
    """Whether a number follows a year: "nineteen ninety to two thousand"."""
    first = joint = start - 1
    if word_at(words, joint) not in JOINTS:
        return False
    while word_at(words, first - 1) in NUMBER_WORDS:
        first -= 1
    other = year(words, first)
    return bool(other and other.end == joint and 1300 <= other.value < 2100)


def whole_year(speech: Speech, start: int) -> Written | None:
    """1984; 2005; 1905."""
    words = speech.clause(start)
    found = year(words, start)
    if not found or not stands_alone(words, start, found.end):
        return None
    first, before = words[start], speech.before(start)
    # "ten thirty" may be a time, and "two thousand" a number.
    if found.value < 1300 and before not in _BEFORE_YEARS:
        return None
    ends_range = _ends_range_of_years(words, start)
    is_named = before in _BEFORE_YEARS or ends_range
    if found.value == 2000 and first == "two" and not is_named:
        return None
    following = word_at(words, found.end)
    if following in QUANTITIES or before in _BEFORE_PRICES:  # "twenty thirty percent"
        return None
    # "after two thousand years", "fifteen hundred people", "twenty thirty people"
    is_count = found.value == 2000 or (found.value in range(2030, 2100, 10) and not is_named)
    is_hundreds = words[start + 1] in ("hundred", "thousand")
    is_year = before in _NAME_YEARS or (ends_range and words[start - 2] != "hundred")
    is_count |= is_hundreds and not is_year
    if counted(speech, found.end) in COUNTED and is_count:
        return None
    return found.text, found.end
