"""What is said and how it is written: a table, and an independent speller of numbers."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechlstm.readable.expressions import expressions
from speechlstm.readable.numbers import cardinal, ordinal, year

TABLE = Path(__file__).parent / "data" / "spoken_written.tsv"
CASES = [line.split("\t") for line in TABLE.read_text(encoding="utf-8").splitlines()]

UNITS = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
TENS = ["_", "_", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
    "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip


def spell(value: int, joint: str = "") -> str:
    """A number in words; the joint stands between hundreds and what comes after them."""
    for scale, name in ((10**9, "billion"), (10**6, "million"), (1000, "thousand")):
        if value >= scale:
            whole, rest = divmod(value, scale)
            return f"{spell(whole, joint)} {name} {spell(rest, joint) if rest else ''}".strip()
    if value >= 100:
        whole, rest = divmod(value, 100)
        after = f"{joint} {spell(rest)}" if rest else ""
        return " ".join(f"{UNITS[whole]} hundred {after}".split())
    if value >= 20:
        return f"{TENS[value // 10]} {UNITS[value % 10] if value % 10 else ''}".strip()
    return UNITS[value]


def spell_ordinal(value: int) -> str:
    *before, last = spell(value).split()
    regular = f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"
    return " ".join([*before, ORDINALS.get(last, regular)])


def write(spoken: str, stops: tuple[int, ...] = (), commas: tuple[int, ...] = ()) -> str:
    words, written, place = spoken.split(), [], 0
    for expression in expressions(words, stops, commas):
        written += [*words[place : expression.start], expression.text]
        place = expression.end
    return " ".join([*written, *words[place:]])


def test_all_are_written_as_in_the_table() -> None:
    assert [[spoken, write(spoken)] for spoken, _ in CASES] == CASES


def test_the_table_is_large_and_without_repetition() -> None:
    assert len({spoken for spoken, _ in CASES}) == len(CASES) >= 300


@given(st.integers(1, 10**12 - 1), st.sampled_from(["", "and"]))
def test_reads_every_number_that_is_spelled(value: int, joint: str) -> None:
    words = [*spell(value, joint).split(), "dogs"]
    found = cardinal(words, 0)
    assert found
    assert (found.value, found.end) == (value, len(words) - 1)


@given(st.integers(1, 10**6))
def test_reads_every_ordinal_that_is_spelled(value: int) -> None:
    words = [*spell_ordinal(value).split(), "dog"]
    found = ordinal(words, 0)
    assert found
    assert (found.value, found.end) == (value, len(words) - 1)
    ending = {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")
    assert found.text == f"{value:,}" + ("th" if value % 100 in (11, 12, 13) else ending)


@pytest.mark.parametrize("century", [11, 13, 16, 19, 20])
def test_reads_every_year_of_a_century(century: int) -> None:
    for rest in range(1, 100):
        tail = f"oh {UNITS[rest]}" if rest < 10 else spell(rest)
        found = year(f"{spell(century)} {tail}".split(), 0)
        assert found
        assert found.text == f"{century}{rest:02}"


def test_nothing_reaches_over_the_end_of_a_sentence() -> None:
    assert write("it was nineteen eighty four", stops=(2,)) == "it was 19 84"
    assert write("u s b", stops=(0,)) == "u SB"
    assert write("on july fourth twenty ten dogs", stops=(2,)) == "on July 4 2010 dogs"


def test_only_dates_and_what_is_spelled_reach_over_a_comma() -> None:
    assert write("july fourth seventeen seventy six", commas=(1,)) == "July 4, 1776"
    assert write("one eight zero zero five", commas=(1,)) == "18005"
    assert write("w o r d s", commas=(1,)) == "WORDS"
    assert write("w w w dot example dot com", commas=(4,)) == "www.example.com"
    assert write("in nineteen ninety twenty people", commas=(2,)) == "in 1990 20 people"
    assert write("in nineteen ninety twenty people") == "in nineteen ninety twenty people"


@pytest.mark.slow
def test_time_is_linear_in_the_number_of_sentences() -> None:
    """Four hours of speech, which took 20 s when each rule copied all words before it."""
    sentence = (
        "on july fourth seventeen seventy six it was ten to five when two or three people came"
    )
    words = sentence.split() * 2_000
    stops = range(16, len(words), 17)
    started = time.process_time()
    assert sum(1 for _ in expressions(words, stops)) == 2_000
    assert time.process_time() - started < 8


_VOCABULARY = sorted({word for spoken, _ in CASES for word in spoken.split()})


@given(
    st.lists(st.sampled_from(_VOCABULARY), max_size=12),
    st.sets(st.integers(0, 11)),
    st.sets(st.integers(0, 11)),
)
def test_each_word_is_in_one_expression_at_most(
    words: list[str], stops: set[int], commas: set[int]
) -> None:
    place = 0
    for expression in expressions(words, stops, commas):
        assert place <= expression.start < expression.end <= len(words)
        assert not stops & set(range(expression.start, expression.end - 1))
        assert expression.text
        place = expression.end
