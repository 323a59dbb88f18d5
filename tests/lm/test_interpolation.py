from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speechlstm.errors import ConfigError, LanguageModelError
from speechlstm.lm import interpolation
from speechlstm.lm.interpolation import InterpolatedModel
from speechlstm.lm.lstm import LSTMLanguageModel
from speechlstm.lm.ngram.model import NGramModel

PATH = Path(__file__).parent.parent / "assets" / "language_model.tflite"


@pytest.fixture(scope="module")
def ngrams(tiny_lm: Path) -> NGramModel:
    return NGramModel.open(tiny_lm)


def test_probabilities_are_mixed_word_by_word(ngrams: NGramModel, by_hand: Any) -> None:
    mixed = InterpolatedModel(ngrams, LSTMLanguageModel(PATH), 0.3)
    for words in product(("a", "hat", "bat"), repeat=3):
        states, log_probs = np.array([mixed.start_state]), []
        for word in words:
            ids = np.array([mixed.word_id(word)], np.int32)
            searched = mixed.search(states, ids)
            states, log_prob = mixed.advance(states, ids)
            assert searched[0] == states
            assert searched[1] == pytest.approx(log_prob, abs=1e-5)
            log_probs.append(float(log_prob[0]))
        for position, word in enumerate(words):
            counted = ngrams.sentence_log_prob(words[: position + 1])[0]
            counted -= ngrams.sentence_log_prob(words[:position])[0]
            counted += end(ngrams, words[:position]) - end(ngrams, words[: position + 1])
            generalised = by_hand.log_probs(words[:position])[by_hand.words.index(word)]
            expected = 0.3 * np.exp(generalised) + 0.7 * np.exp(counted)
            assert np.exp(log_probs[position]) == pytest.approx(expected, rel=1e-4)


def end(model: NGramModel, words: tuple[str, ...]) -> float:
    state = np.array([model.start_state])
    for word in words:
        state, _ = model.advance(state, np.array([model.word_id(word)], np.int32))
    return float(model.end_log_probs(state)[0])


@pytest.mark.parametrize(("weight", "which"), [(0.0, 0), (1.0, 1)])
def test_the_ends_are_one_model_alone(ngrams: NGramModel, weight: float, which: int) -> None:
    models = ngrams, LSTMLanguageModel(PATH)
    words = ["a", "bat", "hat"]
    mixed = InterpolatedModel(*models, weight)
    expected = models[which].sentence_log_prob(words)
    assert mixed.sentence_log_prob(words) == pytest.approx(expected, abs=1e-4)


def test_a_word_that_the_lstm_lacks_keeps_its_probability(
    ngrams: NGramModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    lstm = LSTMLanguageModel(PATH)
    monkeypatch.setitem(lstm._ids, "bat", 0)
    mixed = InterpolatedModel(ngrams, lstm, 0.5)
    word = np.array([mixed.word_id("bat")], np.int32)
    expected = ngrams.advance(np.array([ngrams.start_state]), word)[1]
    assert mixed.advance(np.array([mixed.start_state]), word)[1] == expected
    assert list(mixed.words) == ngrams.words
    np.testing.assert_array_equal(mixed.unigram_log_probs, ngrams.unigram_log_probs)


def test_refuses_what_does_not_go_together(
    ngrams: NGramModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    lstm = LSTMLanguageModel(PATH)
    for weight in (-0.1, 1.1):
        with pytest.raises(ConfigError, match=rf"0\.\.1, is {weight}"):
            InterpolatedModel(ngrams, lstm, weight)
    with monkeypatch.context() as patch:
        patch.setattr(interpolation, "NUM_CONTEXTS", 1 << 60)
        with pytest.raises(LanguageModelError, match="too large to be combined"):
            InterpolatedModel(ngrams, lstm, 0.5)
    for word in ("a", "bat", "hat"):
        monkeypatch.setitem(lstm._ids, word, 0)
    with pytest.raises(LanguageModelError, match=r"knows no word of .*tiny\.lm, such as 'hat'"):
        InterpolatedModel(ngrams, lstm, 0.5)
