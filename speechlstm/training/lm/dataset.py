"""Sentences as batches for the LSTM language model."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from speechlstm.lm.text import START_ID
from speechlstm.training.data.bucketing import bucket


class WordSampler:
    """Draws words for the softmax' denominator.

    A word is in a sample with a probability of min(1, c * (1 + count)^POWER), which c makes add up
    to the sample's size: the frequent half of a sample is always the same. Samples are systematic
    (Madow, 1949): words stand in a row, each as long as its probability, and every whole step from
    a random beginning hits one.

    Args:
        counts: (num_words,) how often each word is to be predicted.
        size: Of a sample, at most num_words.
    """

    POWER = 0.75

    def __init__(self, counts: NDArray[np.int64], size: int) -> None:
        self._order = np.argsort(-counts, kind="stable")
        lengths = (1.0 + counts[self._order]) ** self.POWER
        # The first k are certain if the next one is not: the least such k.
        rest = lengths[::-1].cumsum()[::-1]
        room = size - np.arange(len(lengths))
        num_certain = int(np.argmax((room <= 0) | (lengths * room <= rest)))
        self._probs = np.ones(len(lengths))
        if num_certain < len(lengths):
            scale = (size - num_certain) / rest[num_certain]
            self._probs[num_certain:] = lengths[num_certain:] * scale
        self._ends = np.cumsum(self._probs)
        self._ends[-1] = size + 1  # whatever rounding makes of it
        self._size = size

    def draw(self, generator: np.random.Generator) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Different words, (size,), and the natural log-probability of each to be drawn."""
        hits = self._ends.searchsorted(np.arange(self._size) + generator.random(), side="right")
        return self._order[hits].astype(np.int32), np.log(self._probs[hits]).astype(np.float32)


class SentenceDataset:
    """Batches of sentences of like length, in another order each epoch.

    A sentence is read from <s> on and predicted up to </s>; the network knows nothing of the one
    before.

    Args:
        tokens: (num_tokens,) int32; each sentence is its words between <s> and </s>.
        num_words: Size of the vocabulary.
        batch_words: Of a batch, padding included; a longer sentence is a batch of its own.
        sample_size: Words that the softmax' denominator is estimated from.
        seed: Of order and samples.
    """

    def __init__(
        self,
        tokens: NDArray[np.int32],
        num_words: int,
        batch_words: int,
        sample_size: int,
        seed: int = 1,
    ) -> None:
        self._tokens, self._seed, self._epoch = tokens, seed, 0
        self._starts = np.flatnonzero(tokens == START_ID)
        self._lengths = np.diff(self._starts, append=len(tokens)) - 1  # words to predict
        counts = np.bincount(tokens, minlength=num_words)
        counts[START_ID] = 0
        self.counts = counts
        self._sampler = WordSampler(counts, min(sample_size, num_words))
        self._batch_words = batch_words
        self.start_epoch(0)

    @property
    def num_words(self) -> int:
        """Words to predict in an epoch, sentence ends included."""
        return int(self._lengths.sum())

    def start_epoch(self, epoch: int) -> None:
        """Draw the order of an epoch, counted from 0."""
        generator = np.random.default_rng((self._seed, epoch))
        self._epoch = epoch
        order = np.lexsort((generator.random(len(self._lengths)), self._lengths))
        batches = bucket(order, self._lengths, capacity=self._batch_words)
        self._batches = [batches[i] for i in generator.permutation(len(batches))]

    def __len__(self) -> int:
        """Batches of an epoch."""
        return len(self._batches)

    def size(self, index: int) -> int:
        """Words to predict in a batch."""
        return int(self._lengths[self._batches[index]].sum())

    def __getitem__(self, index: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Inputs and targets: see LanguageModelNetwork."""
        sentences = self._batches[index]
        starts, lengths = self._starts[sentences], self._lengths[sentences]
        steps = np.arange(lengths.max() + 1)
        tokens = self._tokens[(starts[:, np.newaxis] + np.minimum(steps, lengths[:, np.newaxis]))]
        generator = np.random.default_rng((self._seed, self._epoch, index))
        sample, log_probs = self._sampler.draw(generator)
        inputs = {"words": tokens[:, :-1], "num_steps": lengths.astype(np.int32)}
        return inputs, {
            "next_words": tokens[:, 1:],
            "sample": sample,
            "sample_log_probs": log_probs,
        }
