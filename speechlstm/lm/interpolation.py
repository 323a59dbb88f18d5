"""An n-gram model and an LSTM in one: what the first has counted, the second has generalised."""

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
    """The probability of a word is weight * that of the LSTM + (1 - weight) * that of the n-grams.

    Its words are those of the n-gram model; what the LSTM does not know keeps the probability that
    it has there.

    Args:
        ngrams: The n-gram model.
        lstm: The LSTM.
        weight: Of the LSTM, 0..1.
        context_words: See SearchModel.

    Attributes:
        ngrams: As given.

    Raises:
        ConfigError: The weight is out of range.
        LanguageModelError: The models have no word in common.
    """

    def __init__(
        self,
        ngrams: NGramModel,
        lstm: LSTMLanguageModel,
        weight: float,
        context_words: int = 0,
    ) -> None:
        if not 0 <= weight <= 1:
            raise ConfigError(f"the weight of an LSTM language model is in 0..1, not {weight}")
        self.ngrams, self._lstm, self.context_words = ngrams, lstm, context_words
        self.num_words, self.alphabet_sha256 = ngrams.num_words, ngrams.alphabet_sha256
        self.sentence_end = ngrams.sentence_end
        self._lstm_ids = lstm.word_ids(ngrams.words)
        self._is_known = self._lstm_ids > 0
        if self._is_known.sum() <= 2:  # <s> and </s>
            raise LanguageModelError(
                lstm.path, f"knows none of the words of {ngrams.path}, as {ngrams.words[-1]!r}"
            )
        self._is_known[0] = True  # what is unknown to one is so to the other
        self._num_states = ngrams.num_states
        if NUM_CONTEXTS * lstm.num_words * self._num_states >= 1 << 63:
            raise LanguageModelError(lstm.path, f"and {ngrams.path}: too large to go together")
        self.start_state = lstm.start_state * self._num_states + ngrams.start_state
        with np.errstate(divide="ignore"):
            self._log_weight, self._log_rest = np.log([weight, 1 - weight]).astype(np.float32)

    @property
    def words(self) -> Sequence[str]:
        """Word of each id: those of the n-gram model."""
        return self.ngrams.words

    @property
    def unigram_log_probs(self) -> NDArray[np.float32]:
        """Natural log-probability of each word in no context: those of the n-gram model."""
        return self.ngrams.unigram_log_probs

    def word_id(self, word: str) -> int:
        """Id of a word in the n-gram model."""
        return self.ngrams.word_id(word)

    def word_ids(self, words: Sequence[str]) -> NDArray[np.int32]:
        """The same for many words."""
        return self.ngrams.word_ids(words)

    def advance(
        self, states: NDArray[np.int64], words: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Read a word in each of several states: see LanguageModel."""
        return self._read(self.ngrams.advance, states, words)

    def search(
        self, states: NDArray[np.int64], words: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The same for a search: see SearchModel."""
        return self._read(self.ngrams.search, states, words)

    def _read(
        self, ngrams: _Reader, states: NDArray[np.int64], words: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        of_lstm, of_ngrams = np.divmod(states, self._num_states)
        of_ngrams, counted = ngrams(of_ngrams, words)
        of_lstm, generalised = self._lstm.advance(of_lstm, self._lstm_ids[words])
        both = np.logaddexp(self._log_weight + generalised, self._log_rest + counted)
        log_probs = np.where(self._is_known[words], both, counted)
        return of_lstm * self._num_states + of_ngrams, log_probs
