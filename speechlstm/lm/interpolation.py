"""Linear interpolation of an n-gram model and an LSTM language model."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from speechlstm.errors import ConfigError, LanguageModelError
from speechlstm.lm.lstm import NUM_CONTEXTS, LSTMLanguageModel
from speechlstm.lm.model import SearchModel
from speechlstm.lm.ngram.model import NGramModel

_Reader = Callable[
    [NDArray[np.int64], NDArray[np.int32]], tuple[NDArray[np.int64], NDArray[np.float32]]
]


class InterpolatedModel(SearchModel):
    """A word's probability is weight * that of the LSTM + (1 - weight) * that of the n-gram model.

    The vocabulary is that of the n-gram model. Words that the LSTM does not know have the
    probability of the n-gram model.

    Args:
        weight: The weight of the LSTM, 0..1.

    Raises:
        ConfigError: The weight is out of range.
        LanguageModelError: The models have no word in common.
    """

    def __init__(
        self, ngrams: NGramModel, lstm: LSTMLanguageModel, weight: float, context_words: int = 0
    ) -> None:
        if not 0 <= weight <= 1:
            raise ConfigError(f"the weight of an LSTM language model must be in 0..1, is {weight}")
        self.ngrams, self._lstm, self.context_words = ngrams, lstm, context_words
        self.num_words, self.alphabet_sha256 = ngrams.num_words, ngrams.alphabet_sha256
        self.sentence_end = ngrams.sentence_end
        self._lstm_ids = lstm.word_ids(ngrams.words)
        self._is_known = self._lstm_ids > 0
        if self._is_known.sum() <= 2:  # <s> and </s>
            raise LanguageModelError(
                lstm.path, f"knows no word of {ngrams.path}, such as {ngrams.words[-1]!r}"
            )
        self._is_known[0] = True  # <unk> stands for the same words in both models
        self._num_states = ngrams.num_states
        if NUM_CONTEXTS * lstm.num_words * self._num_states >= 1 << 63:
            raise LanguageModelError(lstm.path, f"and {ngrams.path}: too large to be combined")
        self.start_state = lstm.start_state * self._num_states + ngrams.start_state
        with np.errstate(divide="ignore"):
            self._log_weight, self._log_rest = np.log([weight, 1 - weight]).astype(np.float32)

    @property
    def words(self) -> Sequence[str]:
        """The word of each id, as in the n-gram model."""
        return self.ngrams.words

    @property
    def unigram_log_probs(self) -> NDArray[np.float32]:
        """Natural log-probability of each word without context, from the n-gram model."""
        return self.ngrams.unigram_log_probs

    def word_id(self, word: str) -> int:
        """The id of a word in the n-gram model."""
        return self.ngrams.word_id(word)

    def word_ids(self, words: Sequence[str]) -> NDArray[np.int32]:
        """The ids of many words in the n-gram model."""
        return self.ngrams.word_ids(words)

    def advance(
        self, states: NDArray[np.int64], words: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Read a word in each of several states: see LanguageModel."""
        return self._read(self.ngrams.advance, self._lstm.advance, states, words)

    def search(
        self, states: NDArray[np.int64], words: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """As advance, for a search: see SearchModel."""
        return self._read(self.ngrams.search, self._lstm.search, states, words)

    def _read(
        self, ngrams: _Reader, lstm: _Reader, states: NDArray[np.int64], words: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        lstm_states, ngram_states = np.divmod(states, self._num_states)
        ngram_states, ngram_log_probs = ngrams(ngram_states, words)
        lstm_states, lstm_log_probs = lstm(lstm_states, self._lstm_ids[words])
        both = np.logaddexp(self._log_weight + lstm_log_probs, self._log_rest + ngram_log_probs)
        log_probs = np.where(self._is_known[words], both, ngram_log_probs)
        return lstm_states * self._num_states + ngram_states, log_probs
