"""The interface of language models: states, words, probabilities."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from itertools import repeat

import numpy as np
from numpy.typing import NDArray


class LanguageModel(ABC):
    """Computes the probabilities of words in context. Threads may share one.

    A state represents the words before the next one. Words have ids; that of <unk> is 0. All
    logarithms are natural.

    Attributes:
        num_words: Size of the vocabulary, including <unk>, <s> and </s>.
        alphabet_sha256: SHA-256 of the alphabet of the words; None: not known.
        start_state: The state at the beginning of a sentence, after <s>.
    """

    num_words: int
    alphabet_sha256: str | None
    start_state: int
    sentence_end: int

    @property
    @abstractmethod
    def words(self) -> Sequence[str]:
        """The word of each id."""

    @abstractmethod
    def advance(
        self, states: NDArray[np.int64], words: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Read a word in each of several states.

        Args:
            states: (n,), start_state or states returned by this method.
            words: (n,) word ids.

        Returns:
            The states after the words, (n,), and the natural log-probabilities of the words, (n,).
        """

    @cached_property
    def _ids(self) -> dict[str, int]:
        return dict(zip(self.words, range(self.num_words), strict=True))

    def word_id(self, word: str) -> int:
        """The id of a word; 0, that of <unk>, if the model does not know it."""
        return self._ids.get(word, 0)

    def word_ids(self, words: Sequence[str]) -> NDArray[np.int32]:
        """The ids of many words, (len(words),), in a fifth of the time of word_id."""
        return np.fromiter(map(self._ids.get, words, repeat(0)), np.int32, len(words))

    def end_log_probs(self, states: NDArray[np.int64]) -> NDArray[np.float32]:
        """Natural log-probabilities, (n,), that the sentence ends in each of several states."""
        return self.advance(states, np.full(len(states), self.sentence_end, np.int32))[1]

    def sentence_log_prob(self, words: Sequence[str]) -> tuple[float, int]:
        """Natural log-probability of a sentence with its end, and its number of unknown words.

        Unknown words have the probability of <unk>.
        """
        log_probs, num_oov = self.sentence_log_probs([words])
        return float(log_probs[0]), int(num_oov[0])

    def sentence_log_probs(
        self, sentences: Sequence[Sequence[str]]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The results of sentence_log_prob for several sentences: two arrays (num_sentences,)."""
        log_probs, ids = self._scored(sentences)
        return log_probs.sum(axis=1), (ids == 0).sum(axis=1)

    def word_log_probs(self, sentences: Sequence[Sequence[str]]) -> list[tuple[float, ...]]:
        """Natural log-probabilities of the words of several sentences, and of their ends.

        Returns:
            For each sentence that of each word, and that of the end after them.
        """
        rows = self._scored(sentences)[0].tolist()
        return [tuple(row[: len(own) + 1]) for row, own in zip(rows, sentences, strict=True)]

    def _scored(
        self, sentences: Sequence[Sequence[str]]
    ) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        """Log-probability and id of each word and end; (num_sentences, longest + 1) each.

        The log-probabilities after the ends are 0.
        """
        lengths = np.array([len(words) for words in sentences], np.int64)
        ids = np.full((len(sentences), lengths.max(initial=0) + 1), self.sentence_end, np.int32)
        for row, words in zip(ids, sentences, strict=True):
            row[: len(words)] = [self.word_id(word) for word in words]
        states = np.full(len(sentences), self.start_state)
        log_probs = np.zeros(ids.shape)
        for position, words in enumerate(ids.T):
            rows = np.flatnonzero(position <= lengths)
            states[rows], log_probs[rows, position] = self.advance(states[rows], words[rows])
        return log_probs, ids


class SearchModel(LanguageModel):
    """A language model that can be used in a beam search."""

    context_words: int = 0

    @property
    @abstractmethod
    def unigram_log_probs(self) -> NDArray[np.float32]:
        """Natural log-probability of each word without context, (num_words,)."""

    @abstractmethod
    def search(
        self, states: NDArray[np.int64], words: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """As advance, but fast for a few dozen words, many of which were queried before."""
