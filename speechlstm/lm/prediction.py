"""The likeliest next words after the first words of a sentence, in several language models."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speechlstm.lm.model import LanguageModel
from speechlstm.lm.ngram.table import SENTENCE_START, UNKNOWN


@dataclass(frozen=True)
class Candidate:
    """A possible next word.

    Attributes:
        word: The word; "</s>": the sentence ends.
        probs: Its probability in each model, 0..1; None: the model does not know it.
    """

    word: str
    probs: tuple[float | None, ...]


def next_words(
    models: Sequence[LanguageModel], words: Sequence[str], num_candidates: int
) -> list[Candidate]:
    """The next words that are likeliest by the mean of the models, the likeliest first.

    A model that does not know a word counts as 0 in the mean.

    >>> from speechlstm.lm.ngram.estimate import estimate
    >>> from speechlstm.lm.ngram.model import NGramModel
    >>> from speechlstm.lm.text import tokenize
    >>> model = NGramModel.from_table(estimate(tokenize(["good day"]), 2).table)
    >>> next_words([model], ["good"], 1)[0].word
    'day'

    Args:
        models: At least one.
        words: The first words of the sentence; unknown ones count as <unk>.
        num_candidates: The largest number of next words; <unk> is none of them.
    """
    vocabulary = list(dict.fromkeys(word for model in models for word in model.words))
    ids = [model.word_ids(vocabulary) for model in models]
    probs = np.stack(
        [next_probs(model, words)[own] for model, own in zip(models, ids, strict=True)]
    )
    best = np.argsort(-probs.mean(axis=0), kind="stable")[:num_candidates].tolist()
    return [
        Candidate(
            vocabulary[index],
            tuple(
                float(p[index]) if own[index] else None for p, own in zip(probs, ids, strict=True)
            ),
        )
        for index in best
        if vocabulary[index] not in (UNKNOWN, SENTENCE_START)
    ]


def next_probs(model: LanguageModel, words: Sequence[str]) -> NDArray[np.float64]:
    """The probability of each word of a model after the first words of a sentence, (num_words,).

    <unk> and <s> have probability 0 here.
    """
    state = np.array([model.start_state])
    for word in words:
        state, _ = model.advance(state, np.array([model.word_id(word)], np.int32))
    every = np.arange(model.num_words, dtype=np.int32)
    _, log_probs = model.advance(state.repeat(len(every)), every)
    probs = np.exp(log_probs.astype(np.float64))
    probs[[model.word_id(word) for word in (UNKNOWN, SENTENCE_START)]] = 0
    return probs
