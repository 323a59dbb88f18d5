"""The LSTM language model, run without TensorFlow; speechlstm.training.lm.network trains it."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from speechlstm.arguments import StrPath
from speechlstm.errors import BundleError, LanguageModelError
from speechlstm.lm.model import LanguageModel
from speechlstm.lm.ngram.table import SENTENCE_END, SENTENCE_START, UNKNOWN
from speechlstm.lm.partition import PartitionFunction
from speechlstm.tflite.check import check_model
from speechlstm.tflite.interpreter import TFLiteModel
from speechlstm.tflite.metadata import read_described
from speechlstm.tflite.tensor import TensorSpec

if TYPE_CHECKING:
    from speechlstm.tflite.output_layer import OutputLayer

# Keys of the description inside the .tflite file.
WORDS = "words"  # separated by spaces, <unk> first
ALPHABET = "alphabet_sha256"  # of the alphabet of the words

_LOG_PROBS, _FEATURES = "log_probs", "features"  # outputs of the network and of that of searches
_NUM_LOGITS = 8192  # the words whose logits are computed in a search

_MEMORY = 512  # contexts; a search uses about as many as the beam is wide, again and again
_BLOCK = 64  # contexts in one run of the network
NUM_CONTEXTS = 1 << 18  # context numbers in use; older ones are reused
_LOWEST = np.float32(-1e4)  # natural log; keeps the values of a damaged file finite
_BEGINNING = -1  # the state of the context before <s>
_STATE = TensorSpec("float32", (None, None, None))
_INPUTS = {"words": TensorSpec("int32", (None,)), "h": _STATE, "c": _STATE}

_Floats = NDArray[np.float32]


class _Context(NamedTuple):
    """The output of the network after the first words of a sentence.

    Attributes:
        number: Identifies the context in states.
        h: (num_layers, num_units), the outputs of the layers.
        c: (num_layers, num_units), the cell states of the layers.
        output: What the probabilities of the next word are computed from.
    """

    number: int
    h: _Floats
    c: _Floats
    output: _Floats


_Contexts = OrderedDict[int, _Context]  # by state, the last used last


class _Network(NamedTuple):
    """A network, and the contexts it was run for last.

    Attributes:
        run: Computes h, c and log_probs from words, h and c: see LSTMLanguageModel.
        contexts: A cache of them.
    """

    run: Callable[..., Mapping[str, _Floats]]
    contexts: _Contexts


class LSTMLanguageModel(LanguageModel):
    """A recurrent language model: the context of a word is all words before it in the sentence.

    A state is a context and a word after it; the network reads the word when the next word is
    queried. Few contexts are cached. Others are computed again from the words that led to them,
    with the same result. A state is valid until NUM_CONTEXTS / 2 further contexts have been
    visited, which is more than the search through any utterance visits.

    The output layer takes four fifths of the time of a step with 30,000 words, of which a search
    queries a few. In a search, the network therefore computes the logits of 8,192 words only, the
    denominator of the softmax is estimated (see PartitionFunction), and the logits of the queried
    words are computed from the features, the input of the output layer.

    Args:
        path: A .tflite file with the inputs words (n,) int32, h and c (n, num_layers, num_units),
            and the outputs log_probs (n, num_words), h and c.

    Raises:
        LanguageModelError: The file cannot be read, is damaged, or has another kind of network.
    """

    def __init__(self, path: StrPath) -> None:
        self.path = path = Path(path)
        try:
            self._content, description = read_described(path)
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
        self._layer, self._partition, self._body = self._divide()
        self._empty = self._before_start(self._body)
        self._caches = _Contexts(), _Contexts()  # of the whole network, and of that of searches
        self._searched = _Network(self._estimate, self._caches[1])
        self._origins = np.full(NUM_CONTEXTS, _BEGINNING)  # the state of each context
        self._num_visited = 0
        self._numbers: dict[int, int] = {}  # of recently visited contexts, by state
        self._lock = Lock()

    def _divide(self) -> "tuple[OutputLayer, PartitionFunction, TFLiteModel]":
        """The output layer, the estimate of its softmax, and the network of searches."""
        from speechlstm.tflite.output_layer import without_softmax  # takes 0.02 s

        num_logits = min(_NUM_LOGITS, self.num_words)
        try:
            check_model(self._content, _INPUTS, _outputs(self.num_words))
            content, layer = without_softmax(self._content, _LOG_PROBS, num_logits, _FEATURES)
            if len(layer.bias) != self.num_words:
                raise ValueError(f"its output layer has {len(layer.bias)} words")
        except ValueError as error:
            reason = f"is not a model that can be run: {error}"
            raise LanguageModelError(self.path, reason) from None
        features = {_FEATURES: TensorSpec("float32", (None, layer.stored.shape[1]))}
        body = self._load(content, _outputs(num_logits) | features)
        return layer, PartitionFunction(layer, layer.most_probable(num_logits)), body

    def _load(self, content: bytes, outputs: Mapping[str, TensorSpec]) -> TFLiteModel:
        return TFLiteModel(
            self.path,
            _INPUTS,
            outputs,
            use_xnnpack=True,  # a step takes a quarter of the time
            content=content,
            error=LanguageModelError,
        )

    @cached_property
    def _whole(self) -> _Network:
        """The network as it is in the file, loaded when it is first needed."""
        network = self._load(self._content, _outputs(self.num_words))
        return _Network(network.run, self._caches[0])

    def _estimate(self, **inputs: NDArray[Any]) -> dict[str, _Floats]:
        """A step of the network of searches, with features and log Z instead of log_probs."""
        results = self._body.run(**inputs)
        features = results.pop(_FEATURES)
        with np.errstate(all="ignore"):  # a damaged file has values that are not finite
            log_z = self._partition.log(results[_LOG_PROBS], features)
        return results | {_LOG_PROBS: np.column_stack([features, log_z])}

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
        return self._advance(self._whole, _exact, states, words)

    def search(
        self, states: NDArray[np.int64], words: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """As advance, for a search: probabilities are estimated, and are at most 1."""
        return self._advance(self._searched, self._estimated, states, words)

    def _estimated(self, outputs: list[_Floats], words: NDArray[np.int32]) -> _Floats:
        """The log-probability of a word from each output of _estimate."""
        rows = np.stack(outputs)
        with np.errstate(all="ignore"):  # as there
            return self._layer.logits(rows[:, :-1], words) - rows[:, -1]

    def _advance(
        self,
        network: _Network,
        score: Callable[[list[_Floats], NDArray[np.int32]], _Floats],
        states: NDArray[np.int64],
        words: NDArray[np.int32],
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """As advance, by a network and a function from its outputs to words' log-probabilities."""
        after, log_probs = np.empty(len(states), np.int64), np.empty(len(states), np.float32)
        with self._lock:
            for start in range(0, len(states), _BLOCK):
                rows = slice(start, start + _BLOCK)
                contexts = self._read(network, states[rows].tolist())
                after[rows] = [context.number for context in contexts]
                log_probs[rows] = score([context.output for context in contexts], words[rows])
        # In this order, so that NaN from a damaged file becomes the lowest value.
        return after * self.num_words + words, np.fmin(np.fmax(log_probs, _LOWEST), 0)

    def _read(self, network: _Network, states: Sequence[int]) -> list[_Context]:
        """The context of each state; those that are not cached are computed in one batch."""
        contexts = network.contexts
        known = {state: contexts[state] for state in states if state in contexts}
        known[_BEGINNING] = self._empty
        if missing := [state for state in dict.fromkeys(states) if state not in known]:
            known |= zip(missing, self._computed(network, missing), strict=True)
        for state in known.keys() - {_BEGINNING}:
            contexts[state] = known[state]
            contexts.move_to_end(state)
        while len(contexts) > _MEMORY:
            contexts.popitem(last=False)
        return [known[state] for state in states]

    def _computed(self, network: _Network, states: Sequence[int]) -> list[_Context]:
        """One step of the network in each of several different states."""
        numbers, words = np.divmod(np.array(states), self.num_words)
        before = self._read(network, self._origins[numbers].tolist())
        results = network.run(
            words=words.astype(np.int32),
            h=np.stack([context.h for context in before]),
            c=np.stack([context.c for context in before]),
        )
        if {len(values) for values in results.values()} != {len(states)}:
            raise LanguageModelError(self.path, "does not return one result for each context")
        values = zip(results["h"], results["c"], results[_LOG_PROBS], strict=True)
        return [
            _Context(self._number(state), *value)
            for state, value in zip(states, values, strict=True)
        ]

    def _number(self, state: int) -> int:
        """The number that identifies the context of a state in later states."""
        if state in self._numbers:
            return self._numbers[state]
        if self._num_visited % (NUM_CONTEXTS // 2) == 0:
            for contexts in self._caches:
                contexts.clear()  # so that no number is in use that will be reused soon
            self._numbers.clear()
        number = 1 + self._num_visited % (NUM_CONTEXTS - 1)
        self._num_visited += 1
        self._origins[number], self._numbers[state] = state, number
        return number


def _outputs(num_outputs: int) -> dict[str, TensorSpec]:
    return {_LOG_PROBS: TensorSpec("float32", (None, num_outputs)), "h": _STATE, "c": _STATE}


def _exact(outputs: list[_Floats], words: NDArray[np.int32]) -> _Floats:
    """The log-probability of a word from each of several arrays of all words'."""
    pairs = zip(outputs, words.tolist(), strict=True)
    return np.array([log_probs[word] for log_probs, word in pairs], np.float32)
