from collections.abc import Sequence

import pytest

from speechlstm.corpora.manifest import Utterance
from speechlstm.errors import TrainingError
from speechlstm.text.alphabet import ENGLISH, Alphabet
from speechlstm.training.adaptation.alphabet import AlphabetChoice, choose_alphabet


def language(texts: Sequence[str]) -> AlphabetChoice:
    return choose_alphabet([Utterance(t, "x.wav", 1.0, t) for t in texts], ENGLISH)


def test_a_loan_word_keeps_the_alphabet_and_loses_its_accent() -> None:
    found = language(["a café", *["an office"] * 20, "room 12"])
    assert found.alphabet == ENGLISH
    assert [u.text for u in found.utterances][::21] == ["a cafe", "room 12"]


@pytest.mark.parametrize("texts", [["schöne grüße", "guten tag"], ["привет мир"], ["你好"]])
def test_another_language_has_an_alphabet_of_its_own(texts: list[str]) -> None:
    found = language(texts)
    assert set(found.alphabet.symbols) == set("".join(texts))
    assert [u.text for u in found.utterances] == texts
    assert found.reason.startswith("another alphabet, ")


def test_few_numbers_are_no_letters_of_another_language() -> None:
    assert "5" not in language(["um 5 uhr", *["schöne grüße"] * 20]).alphabet.symbols
    assert "5" in language(["um 5 uhr", "schöne grüße"]).alphabet.symbols


def test_digits_that_end_most_words_are_tones() -> None:
    assert {"1", "3"} < set(language(["ma3 ba1", "ba3", "no tone"]).alphabet.symbols)
    assert language(["the 3rd of may", "the 21st", "mp3"]).alphabet == ENGLISH
    base = Alphabet((" ", "'", *"abm123"))
    utterances = [Utterance("a", "a.wav", 1.0, "ma3 ba1")]
    assert choose_alphabet(utterances, base).alphabet == base


def test_digits_alone_make_no_other_language() -> None:
    assert language(["911", "12", "call 5"]).alphabet == ENGLISH


def test_without_a_text_there_is_nothing_to_learn() -> None:
    with pytest.raises(TrainingError, match="no text holds a letter"):
        language(["", ""])
