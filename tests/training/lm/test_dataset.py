from itertools import chain, pairwise

import numpy as np
import pytest

from speechlstm.lm.text import Text, limit_vocabulary, tokenize
from speechlstm.training.lm.dataset import SentenceDataset, WordSampler

SENTENCES = ["a", "b a", "c c c", "a b", "b", "a a b c d e", "d"]
TEXT = limit_vocabulary(tokenize(SENTENCES), "abcd")  # "e" is unknown


def dataset(text: Text = TEXT, batch_words: int = 6, sample_size: int = 3) -> SentenceDataset:
    return SentenceDataset(text.tokens, len(text.vocabulary), batch_words, sample_size)


def batches(data: SentenceDataset, epoch: int) -> list[list[str]]:
    """The sentences of each batch, as they are to be foretold."""
    data.start_epoch(epoch)
    found = []
    for index in range(len(data)):
        inputs, targets = data[index]
        rows = zip(targets["next_words"], inputs["num_steps"], strict=True)
        found.append([" ".join(TEXT.vocabulary[w] for w in row[:n]) for row, n in rows])
    return found


def test_each_sentence_once_an_epoch_in_another_order() -> None:
    data = dataset()
    expected = sorted(f"{line.replace('e', '<unk>')} </s>" for line in SENTENCES)
    orders = [batches(data, epoch) for epoch in (0, 1, 0)]
    assert all(sorted(chain(*order)) == expected for order in orders)
    assert orders[0] == orders[2] != orders[1]
    assert data.num_words == sum(len(line.split()) for line in expected)
    assert sum(map(data.size, range(len(data)))) == data.num_words


def test_inputs_are_one_word_behind_from_the_beginning_on() -> None:
    data = dataset()
    for index in range(len(data)):
        inputs, targets = data[index]
        words, num_steps = inputs["words"], inputs["num_steps"]
        assert (words[:, 0] == TEXT.vocabulary.index("<s>")).all()
        for row, after, n in zip(words, targets["next_words"], num_steps, strict=True):
            np.testing.assert_array_equal(row[1:n], after[: n - 1])


def test_batches_hold_sentences_of_like_length_and_no_more_words_than_allowed() -> None:
    lengths = [len(line.split()) for line in SENTENCES]
    sizes = []
    for batch in batches(dataset(batch_words=8), 0):
        steps = [len(line.split()) for line in batch]
        assert len(batch) == 1 or len(steps) * max(steps) <= 8
        sizes.append((min(steps), max(steps)))
    assert all(before[1] <= after[0] for before, after in pairwise(sorted(sizes)))
    assert max(sizes)[1] == max(lengths) + 1


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 3, 5])
def test_a_word_is_drawn_as_often_as_is_said(size: int) -> None:
    sampler = WordSampler(np.array([50, 0, 3, 9, 0]), size)
    generator = np.random.default_rng(1)
    num_draws, drawn = 20_000, np.zeros(5)
    said = np.full(5, np.nan)
    for _ in range(num_draws):
        words, log_probs = sampler.draw(generator)
        assert len(set(words.tolist())) == len(words) == size
        drawn[words] += 1
        said[words] = np.exp(log_probs)
    np.testing.assert_allclose(drawn / num_draws, said, atol=0.02)
    assert said.sum() == pytest.approx(size)
    assert said[0] == said.max()
    rare = (1 + np.array([3, 9])) ** WordSampler.POWER
    if size == 1:  # none is certain
        assert said[3] / said[2] == pytest.approx(rare[1] / rare[0])


def test_the_sample_depends_on_seed_epoch_and_batch_alone() -> None:
    text = tokenize(["a b c d e f g h i j", "k l m n o p q r s t"])
    data = dataset(text, batch_words=10, sample_size=4)

    def samples(epoch: int) -> list[list[int]]:
        data.start_epoch(epoch)
        return [data[index][1]["sample"].tolist() for index in range(len(data))]

    first, other = samples(0), samples(1)
    assert first == samples(0)
    assert first[0] != first[1]
    assert first != other
