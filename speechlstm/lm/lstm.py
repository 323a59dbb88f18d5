"""The LSTM language model, without TensorFlow; made by speechlstm.training.lm.network."""

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

WORDS = "words"  # parted by spaces, <unk> first: the key of the network's description
ALPHABET = "alphabet_sha256"  # the key of what they are spelled in

# Contexts that are kept, with the probabilities of all words: 48 MB for 24,000 words. A search asks
# for about as many as its beam is wide, time and again; to make them anew takes far longer.
_MEMORY = 512
_BLOCK = 64  # contexts that the network makes at once
NUM_CONTEXTS = 1 << 18  # that are told apart; then their numbers are given again
_LOWEST = np.float32(-1e4)  # natural log; what a damaged file makes of a probability stays finite
_BEGINNING = -1  # the state of the context before <s>

_Floats = NDArray[np.float32]


class _Context(NamedTuple):
    """What the network makes of the words of a sentence.

    Attributes:
        number: By which states name it.
        h: (num_layers, num_units), outputs of the layers.
        c: (num_layers, num_units), their cells.
        log_probs: (num_words,), natural, of the next word.
    """

    number: int
    h: _Floats
    c: _Floats
    log_probs: _Floats


class LSTMLanguageModel(LanguageModel):
    """A recurrent language model: all words since the beginning of the sentence count.

    A state is a context and a word after it, which the network reads when it is first asked what
    comes next. Few contexts are kept; those forgotten are made again from the words that led to
    them, which takes time but changes nothing. A state is good until NUM_CONTEXTS / 2 other
    contexts have been met, more than any search through an utterance meets.

    Args:
        path: A .tflite file: words (n,) int32, h and c (n, num_layers, num_units) in, log_probs
            (n, num_words), h and c out.

    Raises:
        LanguageModelError: The file cannot be read, is damaged, or holds another kind of network.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            content, description = read_described(path)
        except BundleError as error:
            raise LanguageModelError(path, error.reason) from None
        self._words = str(description.get(WORDS, "")).split(" ")
        if self._words[0] != UNKNOWN:
            raise LanguageModelError(path, "is no language model; make one: speechlstm lm export")
        if missing := {SENTENCE_START, SENTENCE_END} - set(self._words):
            raise LanguageModelError(path, f"has no word {min(missing)}")
        self.num_words, self.alphabet_sha256 = len(self._words), description.get(ALPHABET)
        self.sentence_end = self.word_id(SENTENCE_END)
        self.start_state = self.word_id(SENTENCE_START)  # after context 0
        state = TensorSpec("float32", (None, None, None))
        network = TFLiteModel(
            path,
            {"words": TensorSpec("int32", (None,)), "h": state, "c": state},
            {"log_probs": TensorSpec("float32", (None, self.num_words)), "h": state, "c": state},
            use_xnnpack=True,  # it quarters the time of a step
            content=content,
            error=LanguageModelError,
        )
        self._step = network.run
        self._empty = self._before_start(network)
        self._origins = np.full(NUM_CONTEXTS, _BEGINNING)  # the state of which each is the context
        self._num_met = 0
        self._numbers: dict[int, int] = {}  # of the contexts met lately, by state
        self._contexts: OrderedDict[int, _Context] = OrderedDict()  # by state, the latest used last
        self._lock = Lock()

    def _before_start(self, network: TFLiteModel) -> _Context:
        """The context before <s>."""
        (_, *h), (_, *c) = network.inputs["h"].shape, network.inputs["c"].shape
        shape = [size for size in h if size]
        if len(shape) != 2 or h != c:
            raise LanguageModelError(self.path, f"has states of different shapes: {h}, {c}")
        zeros = np.zeros(shape, np.float32)
        last = np.array([self.num_words - 1], np.int32)  # which the network may not know
        network.run(words=last, h=zeros[np.newaxis], c=zeros[np.newaxis])
        return _Context(0, zeros, zeros, np.zeros(0, np.float32))

    @property
    def words(self) -> Sequence[str]:
        """Word of each id: <unk>, <s>, </s>, then the others."""
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
        # In this order: what a damaged file makes NaN becomes the lowest.
        return after * self.num_words + words, np.fmin(np.fmax(log_probs, _LOWEST), 0)

    def _read(self, states: Sequence[int]) -> list[_Context]:
        """The context that each state stands for; those not kept are made together."""
        found = {state: self._contexts[state] for state in states if state in self._contexts}
        found[_BEGINNING] = self._empty
        if missing := [state for state in dict.fromkeys(states) if state not in found]:
            found |= zip(missing, self._made(missing), strict=True)
        for state in found.keys() - {_BEGINNING}:
            self._contexts[state] = found[state]
            self._contexts.move_to_end(state)
        while len(self._contexts) > _MEMORY:
            self._contexts.popitem(last=False)
        return [found[state] for state in states]

    def _made(self, states: Sequence[int]) -> list[_Context]:
        """One step of the network in each of several different states."""
        numbers, words = np.divmod(np.array(states), self.num_words)
        before = self._read(self._origins[numbers].tolist())
        results = self._step(
            words=words.astype(np.int32),
            h=np.stack([context.h for context in before]),
            c=np.stack([context.c for context in before]),
        )
        if {len(values) for values in results.values()} != {len(states)}:
            raise LanguageModelError(self.path, "gives other than one result for each context")
        values = zip(results["h"], results["c"], results["log_probs"], strict=True)
        return [
            _Context(self._number(state), *value)
            for state, value in zip(states, values, strict=True)
        ]

    def _number(self, state: int) -> int:
        """By what later states name the context that a state stands for."""
        if state in self._numbers:
            return self._numbers[state]
        if self._num_met % (NUM_CONTEXTS // 2) == 0:
            self._contexts.clear()  # so that no number is in use that will soon be another's
            self._numbers.clear()
        number = 1 + self._num_met % (NUM_CONTEXTS - 1)
        self._num_met += 1
        self._origins[number], self._numbers[state] = state, number
        return number
