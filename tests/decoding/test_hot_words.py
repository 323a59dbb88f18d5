from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechlstm.decoding.hot_words import PhraseMatcher

Tokens = Sequence[int]


def gains(matcher: PhraseMatcher, text: Tokens) -> tuple[list[float], float]:
    """What each token gains, and what is to be given back at the end."""
    state, found = np.array([matcher.start_state]), []
    for token in text:
        state, gain = matcher.advance(state, np.array([token]))
        found.append(float(gain[0]))
    return found, float(matcher.pending[state[0]])


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
    worth = [[1.0 + token for token in phrase] for phrase in phrases]
    matcher = PhraseMatcher(phrases, worth, 4)
    for length in range(len(text) + 1):
        found, pending = gains(matcher, text[:length])
        expected = sum(
            occurrences(text[:length], phrase) * sum(values)
            for phrase, values in zip(phrases, worth, strict=True)
        )
        assert sum(found) - pending == pytest.approx(expected)


def test_what_grows_gains_and_what_breaks_off_gives_back() -> None:
    matcher = PhraseMatcher([(1, 2, 3)], [[1, 1, 1]], 5)
    assert gains(matcher, [1, 2, 3, 4]) == ([1, 1, 1, 0], 0)
    assert gains(matcher, [1, 2, 4]) == ([1, 1, -2], 0)
    assert gains(matcher, [1, 2, 1, 2]) == ([1, 1, -1, 1], 2)


def test_a_longer_phrase_goes_on_from_a_shorter_one() -> None:
    matcher = PhraseMatcher([(1,), (1, 2)], [[1], [1, 1]], 4)
    assert gains(matcher, [1, 2]) == ([1, 2], 0)
    assert gains(matcher, [1, 3]) == ([1, 0], 0)


def test_tokens_before_the_text_count_as_read() -> None:
    matcher = PhraseMatcher([(0, 1, 0)], [[0, 1, 0]], 3, before=[0])
    assert gains(matcher, [1, 0]) == ([1, 0], 0)
    assert gains(matcher, [2, 1]) == ([0, 0], 0)
