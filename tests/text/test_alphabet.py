import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechlstm.errors import AlphabetError, ConfigError
from speechlstm.text.alphabet import BLANK, ENGLISH, Alphabet

PHONES = Alphabet(("AA1", "B", "K"), separator=" ")


def test_labels_follow_the_blank() -> None:
    assert Alphabet(("a", "b")).encode("abba") == [1, 2, 2, 1]
    assert BLANK == 0
    assert ENGLISH.num_labels == 29
    assert ENGLISH.encode(" 'az") == [1, 2, 3, 28]


def test_phones_are_parted_by_the_separator() -> None:
    assert PHONES.encode("K  AA1 B") == [3, 1, 2]
    assert PHONES.decode([3, 1, 2]) == "K AA1 B"


@given(st.text(alphabet="".join(ENGLISH.symbols)))
def test_decode_inverts_encode(text: str) -> None:
    assert ENGLISH.decode(ENGLISH.encode(text)) == text


@pytest.mark.parametrize("label", [0, 29, -1])
def test_decode_refuses_what_no_symbol_has(label: int) -> None:
    with pytest.raises(ValueError, match=f"label {label} is outside 1..28"):
        ENGLISH.decode([1, label])


def test_missing_symbols_are_named_with_their_code_points() -> None:
    with pytest.raises(AlphabetError) as caught:
        ENGLISH.encode("naïve 3é3", where="utterance 7")
    assert caught.value.symbols == ("3", "é", "ï")
    assert caught.value.where == "utterance 7"
    assert "utterance 7: not in the alphabet: '3' (U+0033), 'é' (U+00E9)" in str(caught.value)


def test_from_texts_takes_every_character_once_in_order() -> None:
    assert Alphabet.from_texts(["ba", "a c"]).symbols == (" ", "a", "b", "c")


@pytest.mark.parametrize(
    ("symbols", "separator"),
    [((), ""), (("",), ""), (("a", "b", "a"), ""), (("ab",), ""), (("a b",), " ")],
)
def test_ambiguous_alphabets_are_refused(symbols: tuple[str, ...], separator: str) -> None:
    with pytest.raises(ConfigError):
        Alphabet(symbols, separator)


def test_sha256_tells_alphabets_apart() -> None:
    alphabets = [
        Alphabet(("a", "b")),
        Alphabet(("b", "a")),
        Alphabet(("a", "b"), separator=" "),
        Alphabet(("ab",), separator=" "),
    ]
    assert len({alphabet.sha256 for alphabet in alphabets}) == len(alphabets)
    assert Alphabet(("a", "b")).sha256 == alphabets[0].sha256
