"""Perplexity of a text under a language model."""

import math
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from speechlstm.errors import DataError, counted
from speechlstm.lm.model import LanguageModel

_BLOCK = 100  # sentences in a batch; few, because an LSTM caches few contexts


def perplexity_of(log_prob: float, num_events: int) -> float:
    """Exp of minus the mean natural log-probability of words; at most the largest float.

    A file may give unknown words a probability of 1e-999, of which no float is the inverse.

    >>> round(perplexity_of(-2302.585093, 1000), 6)
    10.0
    """
    return math.exp(min(-log_prob / num_events, math.log(sys.float_info.max)))


@dataclass(frozen=True)
class SentenceScore:
    """The score of a sentence under a language model.

    Attributes:
        log10_prob: Base-10 logarithm of its probability, with its end; unknown words count as
            <unk>.
        num_oov: The number of words that the model does not know.
    """

    text: str
    log10_prob: float
    num_words: int
    num_oov: int


@dataclass(frozen=True)
class PerplexityReport:
    """The scores of a text's sentences, at least one."""

    sentences: tuple[SentenceScore, ...]

    @property
    def perplexity(self) -> float:
        """10 to the power of minus the mean log10 probability of words and sentence ends."""
        num_events = sum(s.num_words + 1 for s in self.sentences)
        log_prob = math.log(10) * sum(s.log10_prob for s in self.sentences)
        return perplexity_of(log_prob, num_events)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return {"perplexity": self.perplexity, "sentences": [asdict(s) for s in self.sentences]}

    def to_text(self) -> str:
        """The report as one line of text."""
        num_words = sum(s.num_words for s in self.sentences)
        num_oov = sum(s.num_oov for s in self.sentences)
        return (
            f"perplexity {self.perplexity:.2f}, {counted(len(self.sentences), 'sentence')}, "
            f"{counted(num_words, 'word')}, {num_oov} of them unknown ({num_oov / num_words:.2%})"
        )


def measure_perplexity(model: LanguageModel, sentences: Iterable[str]) -> PerplexityReport:
    """Compute the perplexity of normalised sentences.

    >>> from speechlstm.lm.ngram.estimate import estimate
    >>> from speechlstm.lm.ngram.model import NGramModel
    >>> from speechlstm.lm.text import tokenize
    >>> model = NGramModel.from_table(estimate(tokenize(["good day", "good night"]), 2).table)
    >>> report = measure_perplexity(model, ["good day", "good evening"])
    >>> [sentence.num_oov for sentence in report.sentences]
    [0, 1]

    Raises:
        DataError: There is no sentence.
    """
    scores = tuple(_score(model, sentences))
    if not scores:
        raise DataError("the text has no sentence to score")
    return PerplexityReport(scores)


def _score(model: LanguageModel, sentences: Iterable[str]) -> Iterator[SentenceScore]:
    stream = iter(sentences)
    while block := list(islice(stream, _BLOCK)):
        words = [sentence.split(" ") for sentence in block]
        log_probs, nums_oov = model.sentence_log_probs(words)
        scored = zip(block, words, log_probs, nums_oov, strict=True)
        for text, sentence, log_prob, num_oov in scored:
            yield SentenceScore(text, float(log_prob) / math.log(10), len(sentence), int(num_oov))
