import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechlstm.text.normalize import normalize
from speechlstm.text.written import read_written, timed_subtitles

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


def test_subtitles_made_of_html_have_its_characters() -> None:
    srt = "1\n00:00:01,000 --> 00:00:02,000\nMe &amp; you,&nbsp;it&#39;s AT&T; &copy\n"
    (subtitle,) = timed_subtitles(srt)
    assert subtitle.text == "Me & you,\u00a0it's AT&T; &copy"


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


UNTIDY = {
    "no empty line between": "1\n00:01,0 --> 00:02,0\nOne\n2\n00:03,0 --> 00:04,0\nTwo",
    "an empty line within": "1\n00:01,0 --> 00:02,0\nOne\n\nand\n\n\n2\n00:03,0 --> 00:04,0\nTwo",
    "a figure within": "1\n00:01,0 --> 00:02,0\n1999\n\n2\n00:03,0 --> 00:04,0\n2000\n\n",
    "no numbers": "00:01,0 --> 00:02,0\n7\n\n00:03,0 --> 00:04,0\nTwo",
    "no fractions": "1\n00:00:01 --> 00:00:02\nOne\n\n2\n00:00:03 --> 00:00:04\nTwo",
    "no spaces": "1\n00:00:01,500-->00:00:02,500\nOne\n\n2\n00:00:03.5-->100:00:04.5\nTwo",
    "a byte order mark": "\ufeff00:00:01,000 --> 00:00:02,500\nOne",
    "no text": "1\n00:01,0 --> 00:02,0\n\n2\n00:03,0 --> 00:04,0\n\n3\n00:05,0 --> 00:06,0\nOne",
    "marks alone": "1\n00:01,0 --> 00:02,0\n<i></i>\n\n2\n00:03,0 --> 00:04,0\n ",
    "VTT": "WEBVTT\n00:01.0 --> 00:02.0\nOne\n00:03.0 --> 00:04.0\n7\n\nNOTE x\n\n"
    "5\n00:05.0 --> 00:06.0\n&lt;3",
}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("no empty line between", ["One", "Two"]),
        ("an empty line within", ["One\nand", "Two"]),
        ("a figure within", ["1999", "2000"]),
        ("no numbers", ["7", "Two"]),
        ("no fractions", ["One", "Two"]),
        ("no spaces", ["One", "Two"]),
        ("a byte order mark", ["One"]),
        ("no text", ["One"]),
        ("marks alone", []),
        ("VTT", ["One", "7", "<3"]),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_subtitles_as_they_come(kind: str, expected: list[str], end: str) -> None:
    assert [line.text for line in read_written(UNTIDY[kind].replace("\n", end))] == expected


@pytest.mark.parametrize("text", ["", "\ufeff", "One.\nTwo.", "WEBVTT", "WEBVTT\n\nOne."])
def test_other_texts_have_no_subtitles(text: str) -> None:
    assert list(timed_subtitles(text)) == []


@given(st.text(st.sampled_from("abC'\u2019-.,!\u2014 \n\u00e9\u0301")))
def test_the_spoken_words_are_those_of_the_whole_text(text: str) -> None:
    spoken = [w for line in read_written(text) for word in line.words for w in word.spoken]
    assert " ".join(spoken) == normalize(text)
