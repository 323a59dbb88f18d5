"""Readable text in a transcript and in its formats."""

import json
from dataclasses import replace

import pytest

from speechlstm.transcript import Hypothesis, Token, Transcript, Word
from speechlstm.transcript.formats import FORMATS


def transcript(*tokens: str, channel: int | None = None, pause: float = 0.1) -> Transcript:
    """Words of half a second; a token of several is written with a bar between them."""
    words: list[Word] = []
    made = []
    for token in tokens:
        text, _, spoken = token.partition("=")
        start = len(words)
        for word in (spoken or text).lower().strip(".,?!").split():
            at = len(words) * (0.5 + pause)
            words.append(Word(word, at, at + 0.5, 0.9, channel))
        made.append(Token(text, tuple(words[start:])))
    best = Hypothesis(" ".join(word.text for word in words), tuple(words), -1.0)
    return Transcript((best,), len(words) * (0.5 + pause), tokens=tuple(made))


DATE = transcript("On", "July 4, 1776,=july fourth seventeen seventy six", "they", "met.")


def test_readable_text_stands_beside_the_words() -> None:
    assert DATE.readable == "On July 4, 1776, they met."
    assert DATE.text == "on july fourth seventeen seventy six they met"
    assert replace(DATE, tokens=None).readable == DATE.text
    assert DATE.to_text() == DATE.readable
    silence = Transcript((Hypothesis("", (), 0.0),), 1.0, tokens=())
    assert (silence.readable, silence.to_text(), silence.to_srt()) == ("", "", "")


def test_a_token_has_the_times_of_its_words() -> None:
    assert DATE.tokens
    assert (DATE.tokens[1].start, DATE.tokens[1].end) == pytest.approx((0.6, 3.5))


def test_json_keeps_the_words_and_names_those_of_each_token() -> None:
    values = json.loads(DATE.to_json())
    assert values["readable"] == DATE.readable
    assert values["tokens"][1] == {"text": "July 4, 1776,", "words": [1, 2, 3, 4, 5]}
    places = [place for token in values["tokens"] for place in token["words"]]
    assert places == list(range(len(values["words"])))
    assert "tokens" not in json.loads(replace(DATE, tokens=None).to_json())


def test_lists_of_words_stay_as_they_are() -> None:
    raw = replace(DATE, tokens=None)
    for name in ("ctm", "textgrid"):
        assert FORMATS[name]("a.wav", DATE) == FORMATS[name]("a.wav", raw)


def test_subtitles_are_readable() -> None:
    assert DATE.to_srt().splitlines()[2] == "On July 4, 1776, they met."
    assert DATE.to_vtt().splitlines()[3] == "On July 4, 1776, they met."


def test_a_sentence_of_some_length_ends_a_subtitle() -> None:
    spoken = transcript("That", "was", "only", "the", "beginning.", "Now", "we", "go.", "Yes.")
    subtitles = spoken.to_srt().split("\n\n")
    assert [s.splitlines()[2] for s in subtitles] == [
        "That was only the beginning.",
        "Now we go. Yes.",
    ]
    assert len(replace(spoken, tokens=None).to_srt().split("\n\n")) == 1


def test_channels_keep_their_own_readable_text() -> None:
    one, two = transcript("Hello,", "Tom."), transcript("Hi", "U.S.=u s")
    whole = Transcript.of_channels([one, two])
    assert whole.tokens
    assert [(token.text, token.channel) for token in whole.tokens] == [
        ("Hello,", 1), ("Hi", 2), ("Tom.", 1), ("U.S.", 2),
    ]  # fmt: skip
    assert whole.readable == "Hello, Tom. Hi U.S."
    assert whole.to_text() == "1: Hello, Tom.\n2: Hi U.S."
    values = json.loads(whole.to_json())
    assert values["tokens"][3]["words"] == [3, 4]
    assert values["channels"][1]["readable"] == "Hi U.S."
    assert Transcript.of_channels([one, replace(two, tokens=None)]).tokens is None
