"""What a language model is to those who ask it: states, words, probabilities."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from itertools import repeat

import numpy as np
from numpy.typing import NDArray


class LanguageModel(ABC):
    """Tells how probable words are after words. It may be shared by threads.

    A state stands for the words before the next one. Words have ids from 0, that of <unk>, on. All
    logarithms are natural.

    Attributes:
        num_words: Size of the vocabulary, <unk>, <s> and </s> included.
        alphabet_sha256: Of the alphabet that its words are spelled in; None: of no certain one.
        start_state: The state at the beginning of a sentence, after <s>.
        sentence_end: The id of </s>.
    """

    num_words: int
    alphabet_sha256: str | None
    start_state: int
    sentence_end: int

    @property
    @abstractmethod
    def words(self) -> Sequence[str]:
        """Word of each id."""

    @abstractmethod
    def advance(
        self, states: NDArray[np.int64], words: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Read a word in each of several states.

        Args:
            states: (n,) from start_state or from here.
            words: (n,) word ids.

        Returns:
            The states after the words, (n,); the natural log-probabilities of the words, (n,).
        """

    @cached_property
    def _ids(self) -> dict[str, int]:
        return dict(zip(self.words, range(self.num_words), strict=True))

    def word_id(self, word: str) -> int:
        """Id of a word; 0, that of <unk>, for any that the model does not know."""
        return self._ids.get(word, 0)

    def word_ids(self, words: Sequence[str]) -> NDArray[np.int32]:
        """The same for many words, (len(words),), in a fifth of the time."""
        return np.fromiter(map(self._ids.get, words, repeat(0)), np.int32, len(words))

    def end_log_probs(self, states: NDArray[np.int64]) -> NDArray[np.float32]:
        """Natural log-probabilities, (n,), that the sentence ends in each of several states."""
        return self.advance(states, np.full(len(states), self.sentence_end, np.int32))[1]

    def sentence_log_prob(self, words: Sequence[str]) -> tuple[float, int]:
        """Natural log-probability of a sentence, its end included, and how many words are unknown.

        Unknown words count with the probability of <unk>.
        """
        log_probs, num_oov = self.sentence_log_probs([words])
        return float(log_probs[0]), int(num_oov[0])

    def sentence_log_probs(
        self, sentences: Sequence[Sequence[str]]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The same of several sentences at once: two arrays, (num_sentences,) each."""
        lengths = np.array([len(words) for words in sentences], np.int64)
        ids = np.full((len(sentences), lengths.max(initial=0) + 1), self.sentence_end, np.int32)
        for row, words in zip(ids, sentences, strict=True):
            row[: len(words)] = [self.word_id(word) for word in words]
        states = np.full(len(sentences), self.start_state)
        totals = np.zeros(len(sentences))
        for position, words in enumerate(ids.T):
            rows = np.flatnonzero(position <= lengths)
            states[rows], log_probs = self.advance(states[rows], words[rows])
            totals[rows] += log_probs
        return totals, (ids == 0).sum(axis=1)


class SearchModel(LanguageModel):
    """One that can take part in a beam search.

    Attributes:
        context_words: Last words by which a search tells its states apart; 0: by all.
    """

    context_words: int = 0

    @property
    @abstractmethod
    def unigram_log_probs(self) -> NDArray[np.float32]:
        """Natural log-probability of each word, (num_words,), in no context."""

    @abstractmethod
    def search(
        self, states: NDArray[np.int64], words: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """As advance, for a few dozen words, of which many were asked for before."""
