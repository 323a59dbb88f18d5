import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechlstm.text.normalize import normalize


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        (" \t\r\n ", ""),
        ("'", ""),
        ("Hello, World!", "hello world"),
        ("\ufeffstart", "start"),
        ("don't", "don't"),
        ("don\u2019t", "don't"),
        ("'twas the dogs' 'bone'", "twas the dogs bone"),
        ("T-shirt/jeans", "t shirt jeans"),
        ("3.5 km", "3 5 km"),
        ("cafe\u0301", "caf\u00e9"),
        ("STRASSE Straße", "strasse straße"),
        ("привет, мир", "привет мир"),
        ("नमस्ते दुनिया", "नमस्ते दुनिया"),
        ("one\u00a0two\u2028three", "one two three"),
    ],
)
def test_known_texts(text: str, expected: str) -> None:
    assert normalize(text) == expected


@given(st.text())
def test_normalised_text_has_only_words_and_single_spaces(text: str) -> None:
    normalized = normalize(text)
    assert normalized == " ".join(normalized.split())
    assert all(c in " '" or unicodedata.category(c)[0] in "LMN" for c in normalized)


@given(st.text())
def test_normalising_again_changes_nothing(text: str) -> None:
    assert normalize(normalize(text)) == normalize(text)


@given(st.text())
def test_decomposed_text_gives_the_same(text: str) -> None:
    assert normalize(unicodedata.normalize("NFD", text)) == normalize(text)


@given(st.text(st.characters(codec="ascii")))
def test_ascii_takes_a_quicker_way_to_the_same(text: str) -> None:
    assert normalize(text) == normalize(text + "\u2028")  # parts words, and is not ASCII
