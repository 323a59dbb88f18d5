from itertools import groupby, product

import pytest

from speechlstm.errors import AlphabetError, InfeasibleTargetError
from speechlstm.text.alphabet import BLANK, Alphabet
from speechlstm.text.targets import encode_target

ALPHABET = Alphabet(("a", "b"))


def has_path(labels: list[int], num_steps: int) -> bool:
    """Whether any of all paths of num_steps collapses to labels."""
    paths = product(range(ALPHABET.num_labels), repeat=num_steps)
    return any([k for k, _ in groupby(path) if k != BLANK] == labels for path in paths)


@pytest.mark.parametrize("text", ["", "a", "aa", "ab", "aba", "aab", "abba", "aaa"])
def test_a_text_is_refused_exactly_where_ctc_has_no_path(text: str) -> None:
    labels = ALPHABET.encode(text)
    for num_steps in range(7):
        if has_path(labels, num_steps):
            assert encode_target(text, ALPHABET, num_steps, "u1") == labels, num_steps
        else:
            with pytest.raises(InfeasibleTargetError, match=rf"^u1: .* audio has {num_steps};"):
                encode_target(text, ALPHABET, num_steps, "u1")


def test_texts_are_normalised_first() -> None:
    assert encode_target("  AB,\n", ALPHABET, 9, "u1") == [1, 2]
    with pytest.raises(AlphabetError, match=r"^u1: .*'c' \(U\+0063\)"):
        encode_target("ABC", ALPHABET, 9, "u1")
