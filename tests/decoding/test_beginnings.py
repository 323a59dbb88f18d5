import numpy as np
import pytest
from numpy.typing import NDArray

from speechlstm.decoding.beginnings import PhraseBeginnings
from speechlstm.text.alphabet import ENGLISH

PHRASES = ("open the garage", "lights on", "stop")


def said(text: str, num_blanks: int = 20, repeats: int = 1) -> NDArray[np.float32]:
    path = [x for label in ENGLISH.encode(text) for x in (*[label] * repeats, 0)]
    path += [0] * num_blanks
    probs = np.full((len(path), ENGLISH.num_labels), 0.001)
    probs[range(len(path)), path] = 1 - 0.001 * (ENGLISH.num_labels - 1)
    return np.log(probs).astype(np.float32)


@pytest.mark.parametrize(
    ("text", "is_within"),
    [
        ("open", True),
        ("open the", True),
        ("please open the", True),
        ("lights", True),
        ("turn the lights", True),
        ("open the garage", False),
        ("lights on", False),
        ("reopen", False),
        ("open the door", False),
        ("the", False),
        ("stop", False),
        ("light", False),
        ("", False),
        ("a " * 60 + "open the", True),
    ],
)
def test_finds_the_first_words_of_phrases_at_the_end(text: str, is_within: bool) -> None:
    labels = [[ENGLISH.encode(word) for word in phrase.split()] for phrase in PHRASES]
    beginnings = PhraseBeginnings(labels, ENGLISH.space)
    for num_blanks, repeats in ((0, 1), (20, 1), (20, 2)):
        assert beginnings.are_at_end(said(text, num_blanks, repeats)) == is_within
    assert not PhraseBeginnings([], ENGLISH.space).are_at_end(said(text))
