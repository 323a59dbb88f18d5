import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speechlstm.errors import ConfigError
from speechlstm.lm.ngram.arpa import read_arpa
from speechlstm.lm.ngram.estimate import Discounts, estimate, estimate_discounts
from speechlstm.lm.ngram.model import NGramModel
from speechlstm.lm.ngram.table import NGramTable
from speechlstm.lm.text import Text, limit_vocabulary, read_sentences, tokenize

TWENTY_WORDS = ["a b a b c", "b a b", "c a b c a", "a", "c c a b a b"]


@pytest.fixture(scope="module")
def tiny_text(data: Path) -> Text:
    return tokenize(read_sentences(data / "tiny.txt.xz"))


def entries(table: NGramTable) -> dict[str, tuple[float, float]]:
    return {
        " ".join(table.vocabulary[word] for word in row): (log10_prob, log10_backoff)
        for order in table.orders
        for row, log10_prob, log10_backoff in zip(
            order.words, order.log10_probs, order.log10_backoffs, strict=True
        )
    }


@pytest.mark.parametrize(("name", "prune"), [("tiny.o3", (0,)), ("tiny.o3.prune012", (0, 1, 2))])
def test_equals_lmplz(data: Path, tiny_text: Text, name: str, prune: tuple[int, ...]) -> None:
    found = entries(estimate(tiny_text, 3, prune).table)
    expected = entries(read_arpa(data / f"{name}.arpa.xz"))
    assert found.keys() == expected.keys()
    np.testing.assert_allclose(
        [found[ngram] for ngram in expected], list(expected.values()), atol=1e-5
    )


def test_order_4_scores_as_lmplz_and_kenlm_do(data: Path, tiny_text: Text) -> None:
    model = NGramModel.from_table(estimate(tiny_text, 4).table)
    lines = (data / "tiny_test.txt").read_text().splitlines()
    answers = (data / "tiny.o4.query.txt").read_text().splitlines()
    log_probs, nums_oov = model.sentence_log_probs([line.split() for line in lines])
    expected = [float(answer.split()[1]) for answer in answers]
    np.testing.assert_allclose(log_probs / math.log(10), expected, atol=1e-4)
    assert nums_oov.tolist() == [int(answer.split()[3]) for answer in answers]


class ByHand:
    """Interpolated Kneser-Ney with given discounts, word for word as in the paper."""

    def __init__(self, sentences: list[str], discounts: Sequence[Discounts]) -> None:
        self.order, self.discounts = len(discounts), discounts
        padded = [["<s>", *sentence.split(), "</s>"] for sentence in sentences]
        self.counts = Counter(
            tuple(words[i : i + n])
            for words in padded
            for n in range(1, self.order + 1)
            for i in range(len(words) - n + 1)
        )
        self.vocabulary = {ngram[0] for ngram in self.counts if len(ngram) == 1} | {"<unk>"}

    def adjusted(self, ngram: tuple[str, ...]) -> int:
        if ngram == ("<s>",):
            return 0
        if len(ngram) == self.order or ngram[0] == "<s>":
            return self.counts[ngram]
        return sum(other[1:] == ngram for other in self.counts)

    def prob(self, word: str, context: tuple[str, ...]) -> float:
        seen = [g for g in self.counts if len(g) == len(context) + 1 and g[:-1] == context]
        total = sum(map(self.adjusted, seen))
        lower = self.prob(word, context[1:]) if context else 1 / (len(self.vocabulary - {"<s>"}))
        if not total:
            return lower
        values = (0, *self.discounts[len(context)].values)
        discounts = {ngram: values[min(self.adjusted(ngram), 3)] for ngram in seen}
        ngram = (*context, word)
        own = self.adjusted(ngram) - discounts[ngram] if ngram in discounts else 0
        return (own + sum(discounts.values()) * lower) / total


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_equals_the_formula_by_hand(order: int) -> None:
    estimated = estimate(tokenize(TWENTY_WORDS), order)
    model = NGramModel.from_table(estimated.table)
    by_hand = ByHand(TWENTY_WORDS, estimated.discounts)
    for sentence in [*TWENTY_WORDS, "c b a", "b b b", "x a", ""]:
        expected, history = 0.0, ["<s>"]
        for word in [*sentence.split(), "</s>"]:
            known = word if word in by_hand.vocabulary else "<unk>"
            context = tuple(history[max(0, len(history) - order + 1) :]) if order > 1 else ()
            expected += math.log(by_hand.prob(known, context))
            history.append(known)
        assert model.sentence_log_prob(sentence.split())[0] == pytest.approx(expected, abs=1e-5)


SENTENCES = st.lists(
    st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=6).map(" ".join),
    min_size=1,
    max_size=30,
)


@settings(max_examples=20, deadline=None)
@given(SENTENCES, st.integers(1, 4), st.sampled_from([(0,), (0, 1), (0, 0, 1)]))
def test_probabilities_sum_to_1(sentences: list[str], order: int, prune: tuple[int, ...]) -> None:
    model = NGramModel.from_table(estimate(tokenize(sentences), order, prune[:order]).table)
    words = np.arange(model.num_words, dtype=np.int32)
    predicted = words != model.word_id("<s>")
    states = np.arange(sum(model.trie.num_states))
    _, log_probs = model.advance(np.repeat(states, len(words)), np.tile(words, len(states)))
    sums = np.exp(log_probs).reshape(len(states), -1)[:, predicted].sum(axis=1)
    np.testing.assert_allclose(sums, 1, atol=1e-5)


def test_words_that_do_not_occur_are_known_and_others_are_not() -> None:
    text = limit_vocabulary(tokenize(TWENTY_WORDS), ["a", "b", "d"])
    model = NGramModel.from_table(estimate(text, 2).table)
    assert set(model.words) == {"<unk>", "<s>", "</s>", "a", "b", "d"}
    assert model.sentence_log_prob(["d"])[1] == 0
    _, log_probs = model.advance(
        np.zeros(2, np.int64), np.array([model.word_id("c"), model.word_id("d")], np.int32)
    )
    assert log_probs[0] > log_probs[1]  # "c" has been read, as <unk>


def test_discounts_of_the_paper() -> None:
    adjusted = np.repeat([1, 2, 3, 4, 9], [40, 10, 5, 2, 3])
    y = 40 / (40 + 2 * 10)
    values = 1 - 2 * y * 10 / 40, 2 - 3 * y * 5 / 10, 3 - 4 * y * 2 / 5
    assert estimate_discounts(adjusted) == Discounts(pytest.approx(values), False)


@pytest.mark.parametrize("counts", [[4, 0, 1], [0, 4, 1], [4, 1, 0], [10, 1, 9], []])
def test_discounts_fall_back_where_there_is_nothing_to_tell_them(counts: list[int]) -> None:
    adjusted = np.repeat(np.arange(1, len(counts) + 1), counts)
    assert estimate_discounts(adjusted) == Discounts((0.5, 1.0, 1.5), True)


@pytest.mark.parametrize(
    ("order", "prune", "reason"),
    [
        (0, (0,), "order: must be in 1..6, is 0"),
        (7, (0,), "order: must be in 1..6, is 7"),
        (3, (1,), "prune: must be 0 for unigrams"),
        (3, (0, 2, 1), "none less than the one before; is 0 2 1"),
        (2, (0, 0, 1), "then at most 1 number,"),
        (3, (0, -1), "is 0 -1"),
    ],
)
def test_settings_out_of_range_are_refused(order: int, prune: tuple[int, ...], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        estimate(tokenize(TWENTY_WORDS), order, prune)
