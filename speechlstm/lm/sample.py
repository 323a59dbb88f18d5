"""Random sentences from a language model."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from speechlstm.errors import ConfigError, DataError
from speechlstm.lm.model import LanguageModel
from speechlstm.lm.ngram.table import SENTENCE_START, UNKNOWN


def sample(
    model: LanguageModel,
    prompt: Sequence[str],
    num_words: int,
    temperature: float,
    generator: np.random.Generator,
    top_p: float = 1.0,
) -> Iterator[list[str]]:
    """Draw sentences word by word from a language model's probabilities.

    >>> from speechlstm.lm.ngram.estimate import estimate
    >>> from speechlstm.lm.ngram.model import NGramModel
    >>> from speechlstm.lm.text import tokenize
    >>> model = NGramModel.from_table(estimate(tokenize(["good day"]), 2).table)
    >>> generator = np.random.default_rng(1)
    >>> next(sample(model, ["good"], num_words=9, temperature=0.1, generator=generator))
    ['good', 'day']

    Args:
        prompt: The first words of the first sentence.
        num_words: The largest number of words in all sentences, including those of the prompt.
        temperature: Log-probabilities are divided by it; below 1, probable words become more so.
        top_p: Words are drawn from the likeliest ones only, as many as have this probability
            together, 0..1: Holtzman et al., "The curious case of neural text degeneration", ICLR
            2020; 1: from all.

    Yields:
        Each sentence as a list of words.

    Raises:
        DataError: The model does not know a word of the prompt.
        ConfigError: The temperature is not positive and finite, or top_p is out of range.
    """
    if not 0 < temperature < math.inf:
        raise ConfigError(f"temperature: must be greater than 0 and finite, is {temperature}")
    if not 0 < top_p <= 1:
        raise ConfigError(f"top_p: must be greater than 0 and at most 1, is {top_p}")
    unknown = [word for word in prompt if not model.word_id(word)]
    if unknown:
        raise DataError(f"the language model does not know {unknown[0]!r}")
    every = np.arange(model.num_words, dtype=np.int32)
    unwanted = [model.word_id(word) for word in (UNKNOWN, SENTENCE_START)]
    sentence: list[str] = []
    state = np.array([model.start_state])
    for number in range(num_words):
        after, log_probs = model.advance(state.repeat(len(every)), every)
        if number < len(prompt):
            word = model.word_id(prompt[number])
        else:
            log_probs[unwanted] = -np.inf
            probs = np.exp((log_probs - log_probs.max()).astype(np.float64) / temperature)
            word = int(generator.choice(len(probs), p=_likeliest(probs / probs.sum(), top_p)))
        if word == model.sentence_end:
            yield sentence
            sentence, state = [], np.array([model.start_state])
        else:
            sentence.append(model.words[word])
            state = after[word : word + 1]
    if sentence:
        yield sentence


def _likeliest(probs: NDArray[np.float64], top_p: float) -> NDArray[np.float64]:
    """The probabilities of the fewest words that have top_p together; those of others are 0."""
    if top_p == 1:
        return probs
    order = np.argsort(-probs, kind="stable")
    num_kept = int(np.searchsorted(np.cumsum(probs[order]), top_p)) + 1
    kept = np.zeros_like(probs)
    kept[order[:num_kept]] = probs[order[:num_kept]]
    return np.asarray(kept / kept.sum())
