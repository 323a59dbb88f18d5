"""Batches of sentences for the LSTM language model, and samples of its vocabulary."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from speechlstm.lm.text import START_ID
from speechlstm.training.data.bucketing import shuffled_batches
from speechlstm.training.engine.word_loop import WordBatches


class WordSampler:
    """Draws samples of the vocabulary, to estimate the denominator of the softmax.

    A word is in a sample with the probability min(1, c * (1 + count)^POWER), where c makes the
    probabilities sum to the size of the sample: about half of a sample are the most frequent words,
    which are in every sample. Sampling is systematic (Madow, 1949): the words lie on a line, each
    with a length of its probability, and those at a random offset plus 0, 1, 2 ... are drawn.

    Args:
        counts: (num_words,) number of times that each word is predicted in an epoch.
        size: Number of words of a sample, at most num_words.

    >>> sampler = WordSampler(np.array([9, 0, 4, 1]), 2)
    >>> words, log_probs = sampler.draw(np.random.default_rng(1))
    >>> words.tolist()
    [0, 2]
    """

    POWER = 0.75

    def __init__(self, counts: NDArray[np.int64], size: int) -> None:
        self._order = np.argsort(-counts, kind="stable")
        lengths = (1.0 + counts[self._order]) ** self.POWER
        # The most frequent num_certain words are in every sample: the smallest number for which the
        # probability of the next word is below 1.
        rest = lengths[::-1].cumsum()[::-1]
        room = size - np.arange(len(lengths))
        num_certain = int(np.argmax((room <= 0) | (lengths * room <= rest)))
        self._probs = np.ones(len(lengths))
        if num_certain < len(lengths):
            scale = (size - num_certain) / rest[num_certain]
            self._probs[num_certain:] = lengths[num_certain:] * scale
        self._ends = np.cumsum(self._probs)
        self._ends[-1] = size + 1  # so that rounding cannot put an offset past the end
        self._size = size

    def draw(self, generator: np.random.Generator) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Draw a sample.

        Returns:
            The ids of the words, which differ, and the natural log-probability of each to be in a
            sample: (size,) int32 and (size,) float32.
        """
        hits = self._ends.searchsorted(np.arange(self._size) + generator.random(), side="right")
        return self._order[hits].astype(np.int32), np.log(self._probs[hits]).astype(np.float32)


class SentenceDataset(WordBatches):
    """Batches of sentences of similar lengths, in a random order that each epoch draws again.

    The inputs of a sentence are <s> and its words, the targets its words and </s>. Sentences are
    independent: the network has no context across them. Sentence ends count as words.

    Args:
        tokens: (num_tokens,) int32, the sentences, each with its words between <s> and </s>.
        batch_words: Largest number of words of a batch, padding included; a longer sentence has a
            batch of its own.
        sample_size: Number of sampled words from which the denominator of the softmax is estimated.
        seed: Seed of order and samples.
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

    def start_epoch(self, epoch: int) -> None:
        """Draw the order of the batches of an epoch; epochs are counted from 0."""
        generator = np.random.default_rng((self._seed, epoch))
        self._epoch = epoch
        self._batches = shuffled_batches(generator, self._lengths, self._batch_words)

    def __getitem__(self, index: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the inputs and targets of a batch; see LanguageModelNetwork."""
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
