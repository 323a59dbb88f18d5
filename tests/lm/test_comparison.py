import math
from pathlib import Path

import pytest

from speechlstm.errors import DataError
from speechlstm.lm.comparison import ALL, ENDS, OTHERS, compare_models
from speechlstm.lm.lstm import LSTMLanguageModel
from speechlstm.lm.ngram.estimate import estimate
from speechlstm.lm.ngram.model import NGramModel
from speechlstm.lm.perplexity import measure_perplexity
from speechlstm.lm.text import tokenize

LSTM = Path(__file__).parent.parent / "assets" / "language_model.tflite"
TEXT = ["the cat on the mat", "a hat", "the hat on the cat"]


def model(*texts: str, order: int = 2) -> NGramModel:
    return NGramModel.from_table(estimate(tokenize(list(texts)), order).table)


def test_classes_add_up_to_the_perplexity_of_the_text() -> None:
    ngrams, lstm = model(*TEXT, "a cat"), LSTMLanguageModel(LSTM)
    classes = {c.name: c for c in compare_models(ngrams, lstm, TEXT)}
    assert classes["1 time"].num_words == 2  # a, mat
    assert classes["2 to 9 times"].num_words == 10
    assert (classes[ENDS].num_words, classes[OTHERS].num_words) == (3, 0)
    for number, each in enumerate((ngrams, lstm)):
        expected = measure_perplexity(each, TEXT).perplexity
        assert classes[ALL].perplexities[number] == pytest.approx(expected, rel=1e-5)
        parts = ("1 time", "2 to 9 times", ENDS)
        total = sum(classes[name].log_probs[number] for name in parts)
        assert classes[ALL].log_probs[number] == pytest.approx(total)
    better = [classes[name].num_better for name in ("1 time", "2 to 9 times", ENDS, ALL)]
    assert sum(better[:3]) == better[3]


def test_words_that_one_model_lacks_stand_apart() -> None:
    small, large = model("a b", "b a"), model("a b", "b c a")
    classes = {c.name: c for c in compare_models(small, large, ["a c", "b b d"])}
    assert classes[OTHERS].num_words == 2  # c, d
    assert classes[ALL].num_words == 3 + 2
    assert all(math.isfinite(p) for c in classes.values() if c.num_words for p in c.perplexities)


def test_a_model_is_as_good_as_itself() -> None:
    one = model(*TEXT)
    for group in compare_models(one, one, TEXT * 6):
        if group.num_words:
            assert group.perplexities[0] == group.perplexities[1]
            assert group.num_better == 0
    assert "10 to 99 times" in {c.name for c in compare_models(one, one, TEXT * 6)}


def test_a_text_without_sentences_is_refused() -> None:
    with pytest.raises(DataError, match="no sentence"):
        compare_models(model("a"), model("a"), [])
