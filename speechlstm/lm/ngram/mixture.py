"""Linear interpolation of two n-gram models into one: of general language and of a user's texts.

The probability of an n-gram of either model is weight * p_base + (1 - weight) * p_own. Back-off
weights are computed again, so that the probabilities in each context sum to 1 (Stolcke, "SRILM",
ICSLP 2002, -mix-lm).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speechlstm.lm.model import LanguageModel
from speechlstm.lm.ngram.estimate import estimate
from speechlstm.lm.ngram.model import NGramModel
from speechlstm.lm.ngram.table import SENTENCE_START, NGrams, NGramTable
from speechlstm.lm.text import limit_vocabulary, tokenize, words_by_frequency

_NUM_ROUNDS = 50  # iterations of expectation maximisation
_LOWEST_WEIGHT = 0.02  # of either model, so that none of its words is lost
_LEAST = 1e-7  # probability left for words that do not follow a context
_HELD_OUT = 4  # one of this number of sentences is held out to choose the weight
_MIN_SENTENCES = 8  # fewer are not enough to choose a weight
_UNDECIDED = 0.5

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def own_model(
    sentences: Iterable[str], base: NGramModel, order: int = 3, prune: Sequence[int] = (0,)
) -> NGramModel:
    """A model of a user's sentences, whose vocabulary includes that of a base model.

    Args:
        sentences: The normalised sentences, at least one.
        order: Length of the longest n-grams.
        prune: See estimate.

    Raises:
        DataError: There is no sentence.
    """
    text = tokenize(sentences)
    text = limit_vocabulary(text, [*words_by_frequency(text), *base.words[1:]])
    return NGramModel.from_table(estimate(text, order, prune).table)


def choose_weight(base: NGramModel, sentences: Sequence[str]) -> float:
    """Choose the weight of the base model by expectation maximisation.

    A quarter of the sentences is held out; the weight maximises their likelihood when the base is
    mixed with a model of the other sentences.

    Args:
        sentences: The normalised sentences of a user.
    """
    if len(sentences) < _MIN_SENTENCES:
        return _UNDECIDED
    rest = [sentence for i, sentence in enumerate(sentences) if i % _HELD_OUT]
    own, held_out = own_model(rest, base), sentences[::_HELD_OUT]
    of_base, of_own = (_word_probs(model, held_out) for model in (base, own))
    weight = _UNDECIDED
    for _ in range(_NUM_ROUNDS):
        both = weight * of_base + (1 - weight) * of_own
        weight = float((weight * of_base / both).mean())
    return min(max(weight, _LOWEST_WEIGHT), 1 - _LOWEST_WEIGHT)


def _word_probs(model: LanguageModel, sentences: Sequence[str]) -> Floats:
    """The probability of each word in the sentences, and of each sentence's end."""
    log_probs = model.word_log_probs([sentence.split() for sentence in sentences])
    return np.exp(np.concatenate(log_probs))


def interpolate(base: NGramModel, own: NGramModel, weight: float) -> NGramTable:
    """Interpolate two models into one.

    Args:
        own: The other model, which has all words of the base: see own_model.
        weight: The weight of the base, 0..1.

    Raises:
        ValueError: A word of the base is missing from the other model.
    """
    vocabulary = list(own.words)
    in_own = {word: i for i, word in enumerate(vocabulary)}
    if missing := [word for word in base.words if word not in in_own]:
        raise ValueError(f"the other model lacks the word {missing[0]!r}")
    own_ids = np.array([in_own[word] for word in base.words], np.int32)
    in_base = np.full(len(vocabulary), -1)
    in_base[own_ids] = np.arange(len(own_ids))
    tables = [own_ids[ngrams.words] for ngrams in base.to_table().orders]
    tables += [ngrams.words for ngrams in own.to_table().orders]
    mixer = _Mixer(base, own, weight, in_base)
    orders: list[NGrams] = []
    for n in range(1, max(base.order, own.order) + 1):
        orders = mixer.longer(vocabulary, orders, [t for t in tables if t.shape[1] == n])
    return NGramTable(vocabulary, orders)


@dataclass
class _Mixer:
    """Mixes one order after the other, with the states of both models for the order below.

    Attributes:
        own: The other model, whose word ids are used.
        weight: The weight of the base.
        in_base: The base's id of each word; -1 if it does not have the word.
    """

    base: NGramModel
    own: NGramModel
    weight: float
    in_base: Integers

    def __post_init__(self) -> None:
        nowhere = np.zeros(1, np.int64)
        self._rows = np.empty((1, 0), np.int32)
        self._keys: list[Integers] = []  # of each order, ascending: see _key
        self._states = nowhere, nowhere  # of each row, in both models

    def longer(
        self, vocabulary: Sequence[str], orders: Sequence[NGrams], tables: Sequence[NDArray[Any]]
    ) -> list[NGrams]:
        """The orders with one more, and with the back-off weights of the one below.

        Args:
            vocabulary: The word of each id.
            orders: The lower orders.
            tables: The n-grams of both models, (num_ngrams, n) each.
        """
        keys = np.unique(np.concatenate([self._key(table) for table in tables]))
        prefixes, words = np.divmod(keys, len(self.in_base))
        rows = np.column_stack([self._rows[prefixes], words]).astype(np.int32)
        probs = self._probs(prefixes, rows[:, -1])
        if not orders:
            probs[vocabulary.index(SENTENCE_START)] = 1.0  # by convention
        log10_probs = np.log10(np.maximum(probs, 1e-30)).astype(np.float32)
        kept = list(orders)
        if kept:
            backoffs = _backoffs(NGramTable(vocabulary, kept), rows, prefixes, probs)
            kept[-1] = NGrams(kept[-1].words, kept[-1].log10_probs, backoffs)
        self._rows = rows
        self._keys.append(keys)
        return [*kept, NGrams(rows, log10_probs, np.zeros(len(rows), np.float32))]

    def _key(self, ngrams: NDArray[Any]) -> Integers:
        """One number for each n-gram, from the row of its context in the order below."""
        located = np.zeros(len(ngrams), np.int64)
        for keys, words in zip(self._keys, ngrams.T, strict=False):
            located = np.searchsorted(keys, located * len(self.in_base) + words)
        return np.asarray(located * len(self.in_base) + ngrams[:, -1], np.int64)

    def _probs(self, prefixes: Integers, words: NDArray[np.int32]) -> Floats:
        """The mixed probability of each word after a row of the order below."""
        of_base, of_own = self._states
        in_base = self.in_base[words]
        of_base, base_log_probs = self.base.advance(
            of_base[prefixes], np.maximum(in_base, 0).astype(np.int32)
        )
        of_own, own_log_probs = self.own.advance(of_own[prefixes], words)
        self._states = of_base, of_own
        base_probs = np.where(in_base >= 0, np.exp(base_log_probs.astype(np.float64)), 0.0)
        return np.asarray(self.weight * base_probs + (1 - self.weight) * np.exp(own_log_probs))


def _backoffs(
    lower: NGramTable, rows: NDArray[np.int32], prefixes: Integers, probs: Floats
) -> NDArray[np.float32]:
    """Log10 back-off weights, from the probability that each context leaves for other words.

    Args:
        lower: All lower orders.
        rows: The n-grams of the new order.
        prefixes: The row of each n-gram's context in the highest order of lower.
        probs: The probability of each n-gram's last word.
    """
    model = NGramModel.from_table(lower)
    ids = np.array([model.word_id(word) for word in lower.vocabulary], np.int32)
    states = np.zeros(len(rows), np.int64)
    for column in rows[:, 1:].T:
        states, log_probs = model.advance(states, ids[column])
    size = len(lower.orders[-1])
    left = 1 - np.bincount(prefixes, probs, minlength=size)
    left_below = 1 - np.bincount(prefixes, np.exp(log_probs.astype(np.float64)), minlength=size)
    weights = np.maximum(left, _LEAST) / np.maximum(left_below, _LEAST)
    has_longer = np.bincount(prefixes, minlength=size) > 0
    return np.where(has_longer, np.log10(weights), 0).astype(np.float32)
