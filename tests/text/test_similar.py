import pytest

from speechlstm.text.similar import similar_letter


@pytest.mark.parametrize(
    ("letters", "similar"),
    [
        ("äöüßéñçłøåæðþœı", "aousencloaadtoi"),
        ("абвгдзиклмнопрстуфх", "abvgdziklmnoprstufh"),  # Russian
        ("αβγδεκλμπρσςτ", "abgdeklmprsst"),
        ("בגד", "bgd"),
    ],
)
def test_letters_are_like_those_that_sound_alike(letters: str, similar: str) -> None:
    assert "".join(similar_letter(letter) or "?" for letter in letters) == similar


@pytest.mark.parametrize("symbol", ["7", " ", "'", "\u4e2d", "\u0301"])
def test_what_has_no_sound_of_its_own_is_like_nothing(symbol: str) -> None:
    assert similar_letter(symbol) is None
