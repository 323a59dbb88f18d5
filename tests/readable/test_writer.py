"""Words become readable text, each word in one token, by the package's network."""

from collections.abc import Sequence
from functools import cache
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speechlstm.bundle import default_bundle
from speechlstm.readable.writer import ReadableWriter
from speechlstm.transcript import Word

WRITER = "punctuator.tflite"


@cache
def loaded() -> ReadableWriter:
    return ReadableWriter(default_bundle() / WRITER)


@pytest.fixture
def writer() -> ReadableWriter:
    return loaded()


def spoken(text: str, pause: float = 0.05) -> list[Word]:
    return [Word(word, 0.3 * k, 0.3 * (k + 1) - pause, 0.9) for k, word in enumerate(text.split())]


def write(writer: ReadableWriter, text: str) -> str:
    return " ".join(token.text for token in writer.tokens(spoken(text)))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("", ""),
        ("yes", "Yes."),
        ("july fourth seventeen seventy six", "July 4, 1776."),
        ("what time is it", "What time is it?"),
        ("the meeting starts at five thirty p m", "The meeting starts at 5:30 p.m."),
        ("w o r d s", "WORDS."),
        ("i think he lives in london", "I think he lives in London."),
        ("it costs five dollars and twenty cents", "It costs $5.20."),
    ],
)
def test_texts_are_written(writer: ReadableWriter, text: str, written: str) -> None:
    assert write(writer, text) == written


def test_names_are_written_as_the_user_does() -> None:
    named = ReadableWriter(
        default_bundle() / WRITER, {"iphone": "iPhone", "zelenskyy": "Zelenskyy"}
    )
    written = write(named, "iphone users met zelenskyy yesterday")
    assert written.startswith("iPhone users met Zelenskyy")


_WORDS = [
    "five",
    "twenty",
    "july",
    "the",
    "u",
    "s",
    "p",
    "m",
    "o'clock",
    "dollars",
    "\u00e9t\u00e9",
    "42",
]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from(_WORDS), max_size=30))
def test_each_word_is_in_one_token(words: Sequence[str]) -> None:
    given_words = spoken(" ".join(words))
    tokens = loaded().tokens(given_words)
    assert list(chain.from_iterable(token.words for token in tokens)) == given_words
    assert all(token.text and token.text == token.text.strip() for token in tokens)
