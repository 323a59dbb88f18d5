"""Punctuated text as batches."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from speechlstm.readable.features import NUM_PAUSES, word_ids
from speechlstm.training.data.bucketing import shuffled_batches
from speechlstm.training.engine.word_loop import WordBatches
from speechlstm.training.punctuation.network import PunctuationTraining
from speechlstm.training.punctuation.text import PunctuatedText

_HIDDEN = word_ids([""])[0, :2]  # buckets of a word that is not known


class PunctuationDataset(WordBatches):
    """Batches of sequences of similar lengths, which each epoch draws again.

    A sequence consists of consecutive passages of the text, up to a random length; a longer passage
    is cut. Text has no pauses: they are drawn with the frequencies that they have at each mark in
    recordings; in some sequences no pause is known.

    Args:
        pauses: (num_marks, NUM_PAUSES), the counts of each class of pause after each mark.
        config: The sizes of batches and sequences, what is hidden in them, and the seed.
    """

    def __init__(
        self, text: PunctuatedText, pauses: NDArray[np.int64], config: PunctuationTraining
    ) -> None:
        self._text, self._config = text, config
        # Add-one smoothing, so that every pause is possible after every mark.
        counts = pauses[:, 1:] + 1.0
        self._cumulative = np.cumsum(counts / counts.sum(axis=1, keepdims=True), axis=1)
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        """Draw the sequences of an epoch and their order; epochs are counted from 0."""
        generator = np.random.default_rng((self._config.seed, epoch))
        self._epoch = epoch
        self._starts, self._lengths = self._sequences(generator)
        self._batches = shuffled_batches(generator, self._lengths, self._config.batch_words)

    def __getitem__(self, index: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the inputs and targets of a batch; see PunctuationNetwork."""
        generator = np.random.default_rng((self._config.seed, self._epoch, index))
        sequences = self._batches[index]
        starts, lengths = self._starts[sequences], self._lengths[sequences]
        steps = np.arange(lengths.max())
        places = starts[:, np.newaxis] + np.minimum(steps, lengths[:, np.newaxis] - 1)
        ids, marks = self._text.ids[places], self._text.marks[places]
        ids[..., :2][generator.random(places.shape) < self._config.word_dropout] = _HIDDEN
        pauses = self._drawn_pauses(generator, marks)
        pauses[steps >= lengths[:, np.newaxis] - 1] = 0
        pauses[generator.random(len(sequences)) < self._config.no_pauses] = 0
        inputs = {"ids": ids, "pauses": pauses, "num_words": lengths.astype(np.int32)}
        return inputs, {"marks": marks, "cases": self._text.cases[places]}

    def _drawn_pauses(
        self, generator: np.random.Generator, marks: NDArray[np.int32]
    ) -> NDArray[np.int32]:
        drawn = generator.random(marks.shape)[..., np.newaxis]
        classes = 1 + (drawn > self._cumulative[marks]).sum(axis=-1)
        drawn_classes: NDArray[np.int32] = np.minimum(classes, NUM_PAUSES - 1).astype(np.int32)
        return drawn_classes

    def _sequences(
        self, generator: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The first word and the number of words of each sequence; together they are all words."""
        ends = [*self._text.starts[1:].tolist(), len(self._text.marks)]
        starts, lengths, start = [], [], 0
        max_words = self._config.max_words
        wanted = generator.integers(1, max_words + 1, len(ends)).tolist()
        for number, end in enumerate(ends):
            while (
                end - start > self._config.max_words
            ):  # with this passage the sequence is too long
                before = ends[number - 1] if number else 0
                cut = before if before > start else start + max_words
                starts.append(start)
                lengths.append(cut - start)
                start = cut
            if end - start >= wanted[number]:
                starts.append(start)
                lengths.append(end - start)
                start = end
        if start < len(self._text.marks):
            starts.append(start)
            lengths.append(len(self._text.marks) - start)
        return np.array(starts), np.array(lengths)
