from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speechlstm.lm.lstm import LSTMLanguageModel
from speechlstm.lm.ngram.model import NGramModel
from speechlstm.lm.prediction import next_probs, next_words

LSTM = Path(__file__).parent.parent / "assets" / "language_model.tflite"


def test_the_probabilities_are_those_of_the_network(by_hand: Any) -> None:
    expected = np.exp(by_hand.log_probs(["the", "cat"]))
    expected[:2] = 0  # <unk> and <s>
    found = next_words([LSTMLanguageModel(LSTM)], ["the", "cat"], 4)
    order = np.argsort(-expected)[:4]
    assert [candidate.word for candidate in found] == [by_hand.words[i] for i in order]
    for candidate, probability in zip(found, expected[order], strict=True):
        assert candidate.probs[0] == pytest.approx(probability, rel=1e-4)


def test_models_are_shown_beside_each_other(tiny_lm: Path, by_hand: Any) -> None:
    models = [NGramModel.open(tiny_lm), LSTMLanguageModel(LSTM)]
    found = {c.word: c.probs for c in next_words(models, ["a"], 99)}
    # tiny.arpa: a hat after <s> -0.2; bat -2, after backing off twice by -0.1
    assert found["hat"][0] == pytest.approx(10**-0.2, rel=1e-3)
    assert found["bat"][0] == pytest.approx(10**-2.2, rel=1e-3)
    assert found["the"][0] is None  # is in the LSTM only
    assert found["hat"][1] == pytest.approx(
        np.exp(by_hand.log_probs(["a"]))[by_hand.words.index("hat")], rel=1e-4
    )
    assert not found.keys() & {"<unk>", "<s>"}
    means = [sum(p or 0 for p in probs) for probs in found.values()]
    assert means == sorted(means, reverse=True)


def test_a_word_that_is_second_in_both_can_be_the_first() -> None:
    class Fixed(NGramModel):
        """A model with given probabilities."""

        def __init__(self, **probs: float) -> None:
            self.num_words, self.start_state, self.sentence_end = len(probs) + 3, 0, 2
            self._given = np.log([1e-9, 1e-9, 1e-9, *probs.values()]).astype(np.float32)
            self._names = ["<unk>", "<s>", "</s>", *probs]

        @property
        def words(self) -> list[str]:
            return self._names

        def word_id(self, word: str) -> int:
            return self._names.index(word) if word in self._names else 0

        def word_ids(self, words: Any) -> Any:
            return np.array([self.word_id(word) for word in words], np.int32)

        def advance(self, states: Any, words: Any) -> Any:
            return states, self._given[words]

    models = [Fixed(a=0.5, w=0.4, b=0.1), Fixed(a=0.1, w=0.4, b=0.5)]
    assert [candidate.word for candidate in next_words(models, [], 1)] == ["w"]


def test_unknown_words_of_the_context_count_as_such(tiny_lm: Path) -> None:
    model = NGramModel.open(tiny_lm)
    np.testing.assert_array_equal(next_probs(model, ["zebra"]), next_probs(model, ["gnu"]))
