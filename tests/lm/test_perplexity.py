import math

import pytest

from speechlstm.errors import DataError
from speechlstm.lm.ngram.estimate import estimate
from speechlstm.lm.ngram.model import NGramModel
from speechlstm.lm.perplexity import SentenceScore, measure_perplexity
from speechlstm.lm.text import tokenize


@pytest.fixture(scope="module")
def model() -> NGramModel:
    return NGramModel.from_table(estimate(tokenize(["a b", "b a b", "a a c"]), 2).table)


def test_a_model_that_knows_nothing_is_as_perplexed_as_it_has_words() -> None:
    flat = NGramModel.from_table(estimate(tokenize(["a", "b", "c"]), 1).table)
    # </s> is as likely as the three words together; "d" and <unk> share what was discounted.
    report = measure_perplexity(flat, ["a b"])
    probs = [flat.sentence_log_prob([])[0], flat.sentence_log_prob(["a"])[0]]
    expected = math.exp(-(probs[0] + 2 * (probs[1] - probs[0])) / 3)
    assert report.perplexity == pytest.approx(expected)


def test_sentences_are_scored_with_their_end(model: NGramModel) -> None:
    report = measure_perplexity(model, ["b a", "c zebra"])
    scores = [
        model.sentence_log_prob(words)[0] / math.log(10) for words in (["b", "a"], ["c", "x"])
    ]
    assert report.sentences == (
        SentenceScore("b a", pytest.approx(scores[0]), 2, 0),
        SentenceScore("c zebra", pytest.approx(scores[1]), 2, 1),
    )
    assert report.perplexity == pytest.approx(10 ** (-sum(scores) / 6))
    assert report.to_text().endswith("2 sentences, 4 words, 1 of them unknown (25.00%)")
    assert report.to_dict()["sentences"][1]["num_oov"] == 1


def test_more_sentences_than_a_block(model: NGramModel) -> None:
    sentences = ["a b", "c", "b b b a"] * 700
    scores = measure_perplexity(model, sentences).sentences
    assert [score.text for score in scores] == sentences
    assert scores[:3] == scores[-3:]


def test_nothing_to_score(model: NGramModel) -> None:
    with pytest.raises(DataError, match="has no sentence"):
        measure_perplexity(model, [])
