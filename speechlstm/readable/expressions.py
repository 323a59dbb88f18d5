"""Inverse text normalisation of English: numbers, dates, times and the like in figures.

The grammar is written by hand and conservative. A number below ten stays a word unless it is beside
something that requires figures (a unit, a month, another figure), and number words that are not a
single number ("nine eleven", "twenty four seven") stay as they are. Existing libraries need a
compiler or do not report which words a figure stands for (NeMo's is built on pynini, text2num on
Rust).

The classes are those of Sproat and Jaitly, "RNN approaches to text normalization: a challenge",
2016.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from speechlstm.readable.amounts import (
    cardinal_number,
    decimal_number,
    first_measure,
    measure,
    ordinal_number,
)
from speechlstm.readable.dates import (
    date,
    day_of_month,
    decade,
    first_day,
    first_time,
    time_of_day,
    whole_year,
)
from speechlstm.readable.digits import numbered, spoken_digits
from speechlstm.readable.idioms import compound, spelled_out
from speechlstm.readable.numbers import ORDINAL_WORDS, word_at
from speechlstm.readable.speech import JOINTS, Rule, Speech, Written, end_of_numbers, word_set


class Expression(NamedTuple):
    """Words that are written as one text, usually in figures.

    Attributes:
        text: The written text.
        start: The index of its first word.
        end: The index after its last word.
    """

    text: str
    start: int
    end: int


def expressions(
    words: Sequence[str], stops: Collection[int] = (), commas: Collection[int] = ()
) -> Iterator[Expression]:
    """Find the words of recognised English that are not written word by word.

    >>> [e.text for e in expressions("at five thirty p m on july fourth pay ten dollars".split())]
    ['5:30 p.m.', 'July 4', '$10']

    Args:
        words: The words, in lower case.
        stops: The indices of words after which a sentence ends.
        commas: The indices of words that are followed by a comma.

    Yields:
        The expressions in order, without overlap.
    """
    first = 0
    for last in sorted({*stops, len(words) - 1}):
        inside = (place - first for place in commas if first <= place <= last)
        for text, start, end in _in_sentence(Speech(list(words[first : last + 1]), inside)):
            yield Expression(text, first + start, first + end)
        first = last + 1


def _in_sentence(speech: Speech) -> Iterator[Expression]:
    words, place = speech.words, 0
    while place < len(words):
        found = next(filter(None, (rule(speech, place) for rule in _RULES)), None)
        if found:
            if found[0] != " ".join(words[place : found[1]]):
                yield Expression(found[0], place, found[1])
            place = found[1]
        else:
            place = max(place + 1, _end_of_words(speech.clause(place), place))


def _end_of_words(words: Sequence[str], start: int) -> int:
    """The index after numbers that stay words: of a list, "ten twenty and fifty", all of it."""
    end = end_of_numbers(words, start)
    is_list = end > start + 1 and word_at(words, end) in JOINTS
    is_list &= len({word in ORDINAL_WORDS for word in words[start:end]}) == 1  # not "the first two"
    return end_of_numbers(words, end + 1) if is_list else end


_DOMAINS = word_set("com org net edu gov io")
# Abbreviations that begin or end with a letter that may be a word of its own.
_INITIALISMS = word_set(
    "abc aol ac ai api atm acl aaa ibm ip iq irs icu id it usa cia fbi dna rna nba mba uae cpa epa "
    "fda nra nsa pta fema nasa ncaa uefa fifa ucla ymca wifi ios"
)
_TITLES = word_set("mr mrs ms dr")
_WORDS_OF_ONE_LETTER = frozenset("aio")
_AFTER_AN = frozenset("aefhilmnorsx")  # letters before which the article is "an"


def initials(speech: Speech, start: int) -> Written | None:
    """ABC: letters spoken one by one, of which at least two are not words of their own."""
    words, end = speech.words, start
    previous = speech.before(start)
    if len(previous) == 1 and previous.isalpha() and previous not in "ai":
        return None
    while len(word_at(words, end)) == 1 and words[end].isalpha():
        end += 1
    letters = "".join(words[start:end])
    is_last = end == len(words)
    is_spelled = len(letters) > 3 or (len(letters) == 3 and letters[0] != "a")  # "a TV"
    if start == 0 and is_last and is_spelled and not set(letters) <= _WORDS_OF_ONE_LETTER:
        return letters.upper(), end  # nothing but letters is said
    for first, last in _ways_to_trim(letters, is_last):
        if first == 0:
            return letters[:last].upper(), start + last
    return None


def _ways_to_trim(letters: str, is_last: bool) -> Iterator[tuple[int, int]]:
    """The part of spelled letters that is an abbreviation, if any.

    Letters at its start or end that are words may not belong to it, except at the end of a
    sentence, where no article and no "I" stands, and "a" before a letter that has "an".
    """
    if letters in _INITIALISMS and len(letters) > 1:
        yield 0, len(letters)
        return
    last = len(letters) if is_last else len(letters.rstrip("ai"))
    if letters[:-1] in _INITIALISMS and letters[-1] in "ai":
        last = len(letters) - 1
    first = len(letters) - len(letters.lstrip("ai"))
    is_an = letters[:1] == "a" and letters[1:2] in _AFTER_AN
    if is_an or letters[:last] in _INITIALISMS or letters.startswith("abc"):
        first = 0
    if sum(letter not in _WORDS_OF_ONE_LETTER for letter in letters[first:last]) >= 2:
        yield first, last


def domain(speech: Speech, start: int) -> Written | None:
    """example.com."""
    words = speech.words  # no clause begins with "dot com"
    is_spelled = words[start : start + 3] == ["w"] * 3
    host, end = ("www", start + 3) if is_spelled else (words[start], start + 1)
    while word_at(words, end) == "dot" and word_at(words, end + 1):
        host, end = f"{host}.{words[end + 1]}", end + 2
        if words[end - 1] in _DOMAINS:
            return host, end
    return None


def title(speech: Speech, start: int) -> Written | None:
    """Mr., before a name."""
    word = speech.words[start]
    if word not in _TITLES or len(speech.clause(start)) == start + 1:
        return None
    return f"{word.capitalize()}.", start + 1


# The first rule that matches is applied.
_RULES: Sequence[Rule] = (
    spelled_out, date, day_of_month, first_day, numbered, time_of_day, first_time, measure,
    first_measure, compound, spoken_digits, decimal_number, decade, whole_year, ordinal_number,
    cardinal_number, domain, initials, title,
)  # fmt: skip
