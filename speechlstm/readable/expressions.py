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
    measure,
    ordinal_number,
    spoken_digits,
)
from speechlstm.readable.dates import date, day_of_month, decade, time_of_day, whole_year
from speechlstm.readable.speech import Rule, Speech, end_of_numbers
from speechlstm.readable.spelling import domain, initials, title


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
    speech, place = Speech(words, frozenset(stops), frozenset(commas)), 0
    while place < len(words):
        found = next(filter(None, (rule(speech, place) for rule in _RULES)), None)
        if found:
            yield Expression(found[0], place, found[1])
            place = found[1]
        else:
            place = max(place + 1, end_of_numbers(speech.clause(place), place))


# The first rule that matches is applied.
_RULES: Sequence[Rule] = (
    date, day_of_month, time_of_day, measure, spoken_digits, decimal_number, decade, whole_year,
    ordinal_number, cardinal_number, domain, initials,
    title,
)  # fmt: skip
