from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speechlstm.errors import DataError
from speechlstm.lm.lstm import LSTMLanguageModel
from speechlstm.lm.ngram.model import NGramModel
from speechlstm.lm.sample import sample

PATH = Path(__file__).parent.parent / "assets" / "language_model.tflite"


def sampled(*prompt: str, num_words: int = 6, temperature: float = 1.0, seed: int = 1) -> list[Any]:
    generator = np.random.default_rng(seed)
    return list(sample(LSTMLanguageModel(PATH), prompt, num_words, temperature, generator))


def test_at_a_low_temperature_the_likeliest_words_follow(by_hand: Any) -> None:
    expected: list[str] = ["the"]
    while len(expected) < 6 and expected[-1] != "</s>":
        log_probs = by_hand.log_probs(expected)
        log_probs[:2] = -np.inf  # <unk> and <s>
        expected.append(by_hand.words[int(log_probs.argmax())])
    first = sampled("the", temperature=0.001)[0]
    assert first == [word for word in expected if word != "</s>"]


def test_draws_as_often_as_is_probable(by_hand: Any) -> None:
    model, draws = LSTMLanguageModel(PATH), []
    for seed in range(100):
        draws += [next(sample(model, ["a"], 2, 1.0, np.random.default_rng(seed)))[1:]]
    probs = np.exp(by_hand.log_probs(["a"]))
    probs /= probs[2:].sum()
    share = draws.count(["on"]) / len(draws)
    expected = probs[by_hand.words.index("on")]
    assert share == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / 100))


def test_only_the_likeliest_words_are_drawn(by_hand: Any) -> None:
    probs = np.exp(by_hand.log_probs(["a"]))
    probs[:2] = 0
    probs /= probs.sum()
    order = np.argsort(-probs)
    top_p = float(probs[order[0]] + 0.5 * probs[order[1]])
    model = LSTMLanguageModel(PATH)
    drawn = set()
    for seed in range(50):
        generator = np.random.default_rng(seed)
        drawn.add(tuple(next(sample(model, ["a"], 2, 1.0, generator, top_p))[1:]))
    words = [by_hand.words[i] for i in order[:2]]
    assert drawn == {() if word == "</s>" else (word,) for word in words}
    with pytest.raises(ValueError, match="top_p"):
        next(sample(model, ["a"], 2, 1.0, np.random.default_rng(1), 0.0))


def test_the_seed_decides() -> None:
    assert sampled(num_words=30) == sampled(num_words=30)
    assert sampled(num_words=30) != sampled(num_words=30, seed=2)


def test_ngrams_can_be_asked_too(tiny_lm: Path) -> None:
    model = NGramModel.open(tiny_lm)
    sentences = list(sample(model, ["a"], 20, 1.0, np.random.default_rng(1)))
    assert sentences[0][0] == "a"
    assert {word for sentence in sentences for word in sentence} <= {"a", "bat", "hat"}


def test_refuses_bad_questions() -> None:
    with pytest.raises(DataError, match="does not know 'zebra'"):
        sampled("the", "zebra")
    with pytest.raises(ValueError, match="greater than 0"):
        sampled(temperature=0.0)
