"""What a search remembers of its language model, against the model asked each time."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from speechlstm.decoding.lm_memory import LMMemory
from speechlstm.lm.model import SearchModel

NUM_WORDS = 5


class WholeHistory(SearchModel):
    """A state for each sequence of words; a word's log-probability depends on all before it."""

    num_words, alphabet_sha256, start_state, sentence_end = NUM_WORDS, None, 0, 1

    def __init__(self, context_words: int = 0) -> None:
        self.context_words = context_words
        self.histories: list[tuple[int, ...]] = [()]
        self.asked: list[tuple[int, int]] = []

    @property
    def words(self) -> Sequence[str]:
        return list(map(str, range(NUM_WORDS)))

    @property
    def unigram_log_probs(self) -> NDArray[np.float32]:
        return np.zeros(NUM_WORDS, np.float32)

    def advance(
        self, states: NDArray[np.int64], words: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        pairs = list(zip(states.tolist(), words.tolist(), strict=True))
        self.asked += pairs
        after = []
        for state, word in pairs:
            history = (*self.histories[state], word)
            if history not in self.histories:
                self.histories.append(history)
            after.append(self.histories.index(history))
        log_probs = [-hash(self.histories[state]) % 97 - word for state, word in pairs]
        return np.array(after, np.int64), -np.abs(np.array(log_probs, np.float32))

    search = advance


sentences = st.lists(st.lists(st.integers(0, NUM_WORDS - 1), min_size=6, max_size=6), min_size=1)


@pytest.mark.slow
@given(sentences)
def test_answers_are_the_models_and_each_is_asked_for_once(texts: list[list[int]]) -> None:
    lm, oracle = WholeHistory(), WholeHistory()
    memory, states = LMMemory(lm), np.zeros(len(texts), np.int64)
    expected_states = states
    for words in np.array(texts, np.int32).T:
        states, log_probs = memory.advance(states, words)
        expected_states, expected = oracle.advance(expected_states, words)
        np.testing.assert_array_equal(states, expected_states)
        np.testing.assert_array_equal(log_probs, expected)
    assert len(lm.asked) == len(set(lm.asked))


@pytest.mark.parametrize(
    "num_words", [2, *(pytest.param(num_words, marks=pytest.mark.slow) for num_words in (1, 3))]
)
@given(texts=sentences)
def test_those_with_the_same_last_words_share_the_state_of_the_first(
    num_words: int, texts: list[list[int]]
) -> None:
    lm = WholeHistory(num_words)
    memory, states = LMMemory(lm), np.zeros(len(texts), np.int64)
    first: dict[tuple[int, ...], int] = {}
    for length in range(1, 7):
        states, _ = memory.advance(states, np.array([text[length - 1] for text in texts], np.int32))
        for text, state in zip(texts, states.tolist(), strict=True):
            if length < num_words:  # the start of the text tells them apart
                assert lm.histories[state] == tuple(text[:length])
            else:
                context = tuple(text[length - num_words : length])
                assert lm.histories[state][-num_words:] == context
                assert first.setdefault(context, state) == state


def test_a_state_from_elsewhere_shares_with_none() -> None:
    lm = WholeHistory(2)
    memory, one = LMMemory(lm), np.array([1], np.int32)
    known, _ = memory.advance(np.array([0]), one)
    foreign, _ = lm.advance(np.array([0]), np.array([3], np.int32))  # as after a spotted phrase
    after_foreign, _ = memory.advance(foreign, one)
    assert lm.histories[int(after_foreign[0])] == (3, 1)
    assert after_foreign != known


def test_without_a_model_words_cost_nothing() -> None:
    states, log_probs = LMMemory(None).advance(np.array([0, 0]), np.array([1, 2], np.int32))
    assert states.tolist() == [0, 0]
    assert log_probs.tolist() == [0, 0]
