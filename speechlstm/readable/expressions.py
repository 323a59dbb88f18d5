"""Inverse text normalisation of English: what is said in words as it is written in figures.

The grammar is written by hand, and careful: a number below ten stays a word unless something beside
it calls for a figure (a unit, a month, another figure), and number words that make no single number
("nine eleven", "twenty four seven") stay as they are. Libraries that do this need a compiler, or
say nothing of which words a figure stands for (NeMo's is built on pynini, text2num on Rust).

Sproat and Jaitly, RNN approaches to text normalization: a challenge, 2016, name the classes.
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
    """Words in figures.

    Attributes:
        text: As it is written.
        start: Its first word's place.
        end: Behind its last word.
    """

    text: str
    start: int
    end: int


def expressions(
    words: Sequence[str], stops: Collection[int] = (), commas: Collection[int] = ()
) -> Iterator[Expression]:
    """What of recognised English is written otherwise than word by word.

    >>> [e.text for e in expressions("at five thirty p m on july fourth pay ten dollars".split())]
    ['5:30 p.m.', 'July 4', '$10']

    Args:
        words: Lower case.
        stops: Places of the words after which a sentence ends.
        commas: Places of the words after which there is a comma.

    Yields:
        In their order, without overlap.
    """
    speech, place = Speech(words, frozenset(stops), frozenset(commas)), 0
    while place < len(words):
        found = next(filter(None, (rule(speech, place) for rule in _RULES)), None)
        if found:
            yield Expression(found[0], place, found[1])
            place = found[1]
        else:
            place = max(place + 1, end_of_numbers(speech.clause(place), place))


# The first that fits counts.
_RULES: Sequence[Rule] = (
    date, day_of_month, time_of_day, measure, spoken_digits, decimal_number, decade, whole_year,
    ordinal_number, cardinal_number, domain, initials,
    title,
)  # fmt: skip
