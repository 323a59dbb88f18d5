from collections.abc import Sequence

import numpy as np
import pytest

from speechlstm.lm.ngram.estimate import estimate
from speechlstm.lm.ngram.mixture import choose_weight, interpolate, own_model
from speechlstm.lm.ngram.model import NGramModel
from speechlstm.lm.text import tokenize

GENERAL = ["the cat sat on the mat", "the dog sat on the cat", "a cat and a dog", "the mat"] * 3
OWN = ["open the valve", "close the valve", "open the door", "the cat", "close the door now"]


def model(sentences: Sequence[str], order: int = 3) -> NGramModel:
    return NGramModel.from_table(estimate(tokenize(sentences), order).table)


def probability(lm: NGramModel, context: Sequence[str], word: str) -> float:
    state = np.array([lm.start_state])
    for before in context:
        state, _ = lm.advance(state, np.array([lm.word_id(before)], np.int32))
    return float(np.exp(lm.advance(state, np.array([lm.word_id(word)], np.int32))[1][0]))


@pytest.mark.parametrize("weight", [0.2, 0.7])
@pytest.mark.parametrize("order", [2, 3])
def test_what_either_model_has_seen_has_the_mean_of_their_probabilities(
    weight: float, order: int
) -> None:
    base, own = model(GENERAL, order), own_model(OWN, model(GENERAL, order), order)
    mixed = NGramModel.from_table(interpolate(base, own, weight))
    seen = [([], "open"), (["open"], "the"), (["the"], "cat"), (["the", "cat"], "sat")]
    for context, word in [*seen, (["open", "the"], "valve"), (["sat"], "on")]:
        of_base = probability(base, context, word) if base.word_id(word) else 0.0
        expected = weight * of_base + (1 - weight) * probability(own, context, word)
        assert probability(mixed, context, word) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    "context", [[], ["the"], ["open", "the"], ["mat"], ["never", "seen"], ["the", "valve"]]
)
def test_the_probabilities_of_a_context_sum_to_one(context: list[str]) -> None:
    base = model(GENERAL)
    mixed = NGramModel.from_table(interpolate(base, own_model(OWN, base), 0.4))
    words = [word for word in mixed.words if word != "<s>"]
    assert sum(probability(mixed, context, word) for word in words) == pytest.approx(1, abs=1e-4)


def test_a_word_is_lost_of_neither_model() -> None:
    base = model(GENERAL)
    mixed = NGramModel.from_table(interpolate(base, own_model(OWN, base), 0.5))
    assert set(mixed.words) == {*base.words, "open", "close", "valve", "door", "now"}
    with pytest.raises(ValueError, match="lacks the word"):
        interpolate(base, model(OWN), 0.5)


def test_the_weight_says_which_model_the_sentences_are_like() -> None:
    base = model(GENERAL)
    assert choose_weight(base, OWN * 5) < 0.2
    assert choose_weight(base, ["the dog sat on the mat", "a cat sat on the cat"] * 8) > 0.0
    unlike = [f"word{i} word{i + 1} the cat sat on the mat" for i in range(40)]
    assert choose_weight(base, unlike) > choose_weight(base, OWN * 5)
    assert choose_weight(base, OWN) == 0.5  # too few to say
