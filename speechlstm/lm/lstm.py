"""The LSTM language model, run without TensorFlow; speechlstm.training.lm.network trains it."""

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from speechlstm.errors import BundleError, LanguageModelError
from speechlstm.lm.model import LanguageModel
from speechlstm.lm.ngram.table import SENTENCE_END, SENTENCE_START, UNKNOWN
from speechlstm.tflite.interpreter import TFLiteModel
from speechlstm.tflite.metadata import read_described
from speechlstm.tflite.tensor import TensorSpec

# Keys of the description inside the .tflite file.
WORDS = "words"  # separated by spaces, <unk> first
ALPHABET = "alphabet_sha256"  # of the alphabet of the words

# Cached contexts, with the probabilities of all words: 48 MB for 24,000 words. A search uses about
# as many as the beam is wide, again and again, and computing them takes much longer.
_MEMORY = 512
_BLOCK = 64  # contexts in one run of the network
NUM_CONTEXTS = 1 << 18  # context numbers in use; older ones are reused
_LOWEST = np.float32(-1e4)  # natural log; keeps the values of a damaged file finite
_BEGINNING = -1  # the state of the context before <s>

_Floats = NDArray[np.float32]


class _Context(NamedTuple):
    """The output of the network after the first words of a sentence.

    Attributes:
        number: Identifies the context in states.
        h: (num_layers, num_units), the outputs of the layers.
        c: (num_layers, num_units), the cell states of the layers.
        log_probs: (num_words,), natural log-probabilities of the next word.
    """

    number: int
    h: _Floats
    c: _Floats
    log_probs: _Floats


class LSTMLanguageModel(LanguageModel):
    """A recurrent language model: the context of a word is all words before it in the sentence.

    A state is a context and a word after it; the network reads the word when the next word is
    queried. Few contexts are cached. Others are computed again from the words that led to them,
    with the same result. A state is valid until NUM_CONTEXTS / 2 further contexts have been
    visited, which is more than the search through any utterance visits.

    Args:
        path: A .tflite file with the inputs words (n,) int32, h and c (n, num_layers, num_units),
            and the outputs log_probs (n, num_words), h and c.

    Raises:
        LanguageModelError: The file cannot be read, is damaged, or has another kind of network.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = path = Path(path)
        try:
            content, description = read_described(path)
        except BundleError as error:
            raise LanguageModelError(path, error.reason) from None
        self._words = str(description.get(WORDS, "")).split(" ")
        if self._words[0] != UNKNOWN:
            raise LanguageModelError(
                path, "is not a language model; make one with speechlstm lm export"
            )
        if missing := {SENTENCE_START, SENTENCE_END} - set(self._words):
            raise LanguageModelError(path, f"has no word {min(missing)}")
        self.num_words, self.alphabet_sha256 = len(self._words), description.get(ALPHABET)
        self.sentence_end = self.word_id(SENTENCE_END)
        self.start_state = self.word_id(SENTENCE_START)  # in context 0
        state = TensorSpec("float32", (None, None, None))
        network = TFLiteModel(
            path,
            {"words": TensorSpec("int32", (None,)), "h": state, "c": state},
            {"log_probs": TensorSpec("float32", (None, self.num_words)), "h": state, "c": state},
            use_xnnpack=True,  # a step takes a quarter of the time
            content=content,
            error=LanguageModelError,
        )
        self._step = network.run
        self._empty = self._before_start(network)
        self._origins = np.full(NUM_CONTEXTS, _BEGINNING)  # the state of each context
        self._num_visited = 0
        self._numbers: dict[int, int] = {}  # of recently visited contexts, by state
        self._contexts: OrderedDict[int, _Context] = OrderedDict()  # by state, the last used last
        self._lock = Lock()

    def _before_start(self, network: TFLiteModel) -> _Context:
        """The context before <s>."""
        (_, *h), (_, *c) = network.inputs["h"].shape, network.inputs["c"].shape
        shape = [size for size in h if size]
        if len(shape) != 2 or h != c:
            raise LanguageModelError(self.path, f"has states of different shapes: {h}, {c}")
        zeros = np.zeros(shape, np.float32)
        last = np.array([self.num_words - 1], np.int32)  # fails if the network has fewer words
        network.run(words=last, h=zeros[np.newaxis], c=zeros[np.newaxis])
        return _Context(0, zeros, zeros, np.zeros(0, np.float32))

    @property
    def words(self) -> Sequence[str]:
        """The word of each id: <unk>, <s>, </s>, then the others."""
        return self._words

    def advance(
        self, states: NDArray[np.int64], words: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Read a word in each of several states: see LanguageModel."""
        after, log_probs = np.empty(len(states), np.int64), np.empty(len(states), np.float32)
        with self._lock:
            for start in range(0, len(states), _BLOCK):
                rows = slice(start, start + _BLOCK)
                contexts = self._read(states[rows].tolist())
                after[rows] = [context.number for context in contexts]
                log_probs[rows] = [
                    context.log_probs[word]
                    for context, word in zip(contexts, words[rows], strict=True)
                ]
        # In this order, so that NaN from a damaged file becomes the lowest value.
        return after * self.num_words + words, np.fmin(np.fmax(log_probs, _LOWEST), 0)

    def _read(self, states: Sequence[int]) -> list[_Context]:
        """The context of each state; those that are not cached are computed in one batch."""
        known = {state: self._contexts[state] for state in states if state in self._contexts}
        known[_BEGINNING] = self._empty
        if missing := [state for state in dict.fromkeys(states) if state not in known]:
            known |= zip(missing, self._computed(missing), strict=True)
        for state in known.keys() - {_BEGINNING}:
            self._contexts[state] = known[state]
            self._contexts.move_to_end(state)
        while len(self._contexts) > _MEMORY:
            self._contexts.popitem(last=False)
        return [known[state] for state in states]

    def _computed(self, states: Sequence[int]) -> list[_Context]:
        """One step of the network in each of several different states."""
        numbers, words = np.divmod(np.array(states), self.num_words)
        before = self._read(self._origins[numbers].tolist())
        results = self._step(
            words=words.astype(np.int32),
            h=np.stack([context.h for context in before]),
            c=np.stack([context.c for context in before]),
        )
        if {len(values) for values in results.values()} != {len(states)}:
            raise LanguageModelError(self.path, "does not return one result for each context")
        values = zip(results["h"], results["c"], results["log_probs"], strict=True)
        return [
            _Context(self._number(state), *value)
            for state, value in zip(states, values, strict=True)
        ]

    def _number(self, state: int) -> int:
        """The number that identifies the context of a state in later states."""
        if state in self._numbers:
            return self._numbers[state]
        if self._num_visited % (NUM_CONTEXTS // 2) == 0:
            self._contexts.clear()  # so that no number is in use that will be reused soon
            self._numbers.clear()
        number = 1 + self._num_visited % (NUM_CONTEXTS - 1)
        self._num_visited += 1
        self._origins[number], self._numbers[state] = state, number
        return number
