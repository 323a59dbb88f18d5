import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechlstm.text.normalize import normalize
from speechlstm.text.written import read_written

SRT = """\ufeff1
00:00:01,000 --> 00:00:02,500
- <i>Hello,</i> Mr. Smith!
- {\\an8}How's life?

2
00:00:03,000 --> 00:00:04,000
♪ ♪

3
00:01:03,000 --> 00:01:04,000 X1:40 X2:600
Well-known & <b>loved</b>
"""

VTT = """WEBVTT - a title

STYLE
::cue { color: white }

NOTE
one --> two

intro
00:01.000 --> 00:02.500 line:0 align:start
<v Bob>Hello, <c.loud>Mr.</c> Smith &amp; Co!

00:00:03.000 --> 00:00:04.000
<00:00:03.200>Good <u>day</u>
"""


def words(text: str) -> list[tuple[str, ...]]:
    return [(word.text, *word.spoken) for line in read_written(text) for word in line.words]


def test_words_keep_their_written_form() -> None:
    assert words('"Hello," she said — a T-shirt!') == [
        ('"Hello,"', "hello"),
        ("she", "she"),
        ("said —", "said"),
        ("a", "a"),
        ("T-shirt!", "t", "shirt"),
    ]
    assert words("- Yes. -") == [("- Yes. -", "yes")]


def test_lines_have_their_numbers() -> None:
    lines = read_written("One.\n\n  Two,\tthree \r\n***\n")
    assert [(line.number, line.text, len(line.words)) for line in lines] == [
        (1, "One.", 1),
        (3, "Two,\tthree", 2),
        (4, "***", 0),
    ]
    assert read_written(" \n") == ()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_srt_is_its_subtitles(end: str) -> None:
    lines = read_written(SRT.replace("\n", end))
    assert [line.text for line in lines] == [
        "- Hello, Mr. Smith!\n- How's life?",
        "♪ ♪",
        "Well-known & loved",
    ]
    assert [line.number for line in lines] == [2, 7, 11]
    assert [word.text for word in lines[0].words] == [
        "- Hello,",
        "Mr.",
        "Smith! -",
        "How's",
        "life?",
    ]
    assert lines[1].words == ()


def test_vtt_is_its_subtitles_without_markup() -> None:
    lines = read_written(VTT)
    assert [line.text for line in lines] == ["Hello, Mr. Smith & Co!", "Good day"]


@given(st.text(st.sampled_from("abC'\u2019-.,!\u2014 \n\u00e9\u0301")))
def test_the_spoken_words_are_those_of_the_whole_text(text: str) -> None:
    spoken = [w for line in read_written(text) for word in line.words for w in word.spoken]
    assert " ".join(spoken) == normalize(text)
