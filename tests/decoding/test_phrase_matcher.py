from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechlstm.decoding.phrase_matcher import PhraseMatcher

Tokens = Sequence[int]


def gains(matcher: PhraseMatcher, text: Tokens) -> list[float]:
    """What each token gains."""
    state, found = np.array([matcher.start_state]), []
    for token in text:
        state, gain = matcher.advance(state, np.array([token]))
        found.append(float(gain[0]))
    return found


def occurrences(text: Tokens, phrase: Tokens) -> int:
    starts = range(len(text) - len(phrase) + 1)
    return sum(tuple(text[i : i + len(phrase)]) == tuple(phrase) for i in starts)


phrases = st.lists(
    st.lists(st.integers(0, 2), min_size=1, max_size=4).map(tuple),
    min_size=1,
    max_size=5,
    unique=True,
)


@given(phrases, st.lists(st.integers(0, 3), max_size=20))
def test_a_text_gains_what_the_phrases_in_it_are_worth(
    phrases: list[tuple[int, ...]], text: list[int]
) -> None:
    worth = [sum(1.0 + token for token in phrase) for phrase in phrases]
    found = gains(PhraseMatcher(phrases, worth, 4), text)
    for length in range(len(text) + 1):
        expected = sum(
            occurrences(text[:length], phrase) * value
            for phrase, value in zip(phrases, worth, strict=True)
        )
        assert sum(found[:length]) == pytest.approx(expected)


def test_only_the_last_token_of_a_phrase_counts() -> None:
    matcher = PhraseMatcher([(1, 2, 3), (2,)], [-3, -1], 5)
    assert gains(matcher, [1, 2, 3, 4]) == [0, -1, -3, 0]
    assert gains(matcher, [1, 2, 1, 2, 3]) == [0, -1, 0, -1, -3]


def test_tokens_before_the_text_count_as_read() -> None:
    matcher = PhraseMatcher([(0, 1, 0)], [2], 3, before=[0])
    assert gains(matcher, [1, 0]) == [0, 2]
    assert gains(matcher, [2, 1]) == [0, 0]
