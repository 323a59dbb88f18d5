import pytest

from speechlstm.readable.marked_text import CASES, MARKS, in_case, marked_words
from speechlstm.text.normalize import normalize


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("Is it, Tom?", "_,?"),
        ('He said: "Go!"', "_,!"),
        ("Well - yes.", ",."),
        ("Well\u2014yes; no\u2026", ",,."),
        ("What?! (He left.)", "?_."),
        ("Mr. Smith of the U.S. left.", "______."),
        ("T-shirt, size L", "_,__"),
        ("one , two", ",_"),
        ("... and", "_"),
        ("!", ""),
        ("", ""),
    ],
)
def test_marks_follow_words(text: str, marks: str) -> None:
    # "T-shirt" and "U.S." are two words each.
    found = "".join(MARKS[word.mark] or "_" for word in marked_words(text))
    assert found == marks


def test_words_are_those_that_are_recognised() -> None:
    text = "The \u201cT-shirt\u201d isn\u2019t Ren\u00e9\u2019s, it's 'mine' (\ufb01ne)!"
    assert " ".join(word.text for word in marked_words(text)) == normalize(text)


@pytest.mark.parametrize(
    ("text", "cases"),
    [
        ("The BBC and I saw McDonald", "capitalised upper lower capitalised lower capitalised"),
        ("O'Neil's iPhone", "capitalised lower"),
        ("A B", "capitalised capitalised"),
        ("\u00c9COLE \u00e9cole", "upper lower"),
    ],
)
def test_cases(text: str, cases: str) -> None:
    assert " ".join(CASES[word.case] for word in marked_words(text)) == cases


def test_written_words_keep_their_case() -> None:
    text = "Her O\u2019Neil-McDonald iPhone, PhD."
    assert [word.written for word in marked_words(text)] == [
        "Her", "O'Neil", "McDonald", "iPhone", "PhD",
    ]  # fmt: skip


@pytest.mark.parametrize("word", ["o'clock", "\u00e9cole", "42", "", "'"])
def test_case_is_restored(word: str) -> None:
    for label, case in enumerate((str.lower, str.capitalize, str.upper)):
        assert in_case(word, label) == case(word)
