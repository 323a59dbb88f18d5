"""How well a language model predicts a text."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from speechlstm.errors import DataError, counted
from speechlstm.lm.model import LanguageModel

_BLOCK = 100  # sentences scored at once: an LSTM keeps few contexts


@dataclass(frozen=True)
class SentenceScore:
    """One sentence under a language model.

    Attributes:
        text: The sentence.
        log10_prob: Base 10, the sentence's end included; unknown words count as <unk>.
        num_words: Its words.
        num_oov: Those that the model does not know.
    """

    text: str
    log10_prob: float
    num_words: int
    num_oov: int


@dataclass(frozen=True)
class PerplexityReport:
    """A text under a language model: its sentences, at least one."""

    sentences: tuple[SentenceScore, ...]

    @property
    def perplexity(self) -> float:
        """10 to the power of minus the mean log10 probability of words and sentence ends."""
        num_events = sum(s.num_words + 1 for s in self.sentences)
        return math.pow(10, -sum(s.log10_prob for s in self.sentences) / num_events)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return {"perplexity": self.perplexity, "sentences": [asdict(s) for s in self.sentences]}

    def to_text(self) -> str:
        """The report as a line for people."""
        num_words = sum(s.num_words for s in self.sentences)
        num_oov = sum(s.num_oov for s in self.sentences)
        return (
            f"perplexity {self.perplexity:.2f}, {counted(len(self.sentences), 'sentence')}, "
            f"{counted(num_words, 'word')}, {num_oov} of them unknown ({num_oov / num_words:.2%})"
        )


def measure_perplexity(model: LanguageModel, sentences: Iterable[str]) -> PerplexityReport:
    """Score normalised sentences.

    Raises:
        DataError: There is none.
    """
    scores = tuple(_score(model, sentences))
    if not scores:
        raise DataError("the text holds no sentence: nothing to score")
    return PerplexityReport(scores)


def _score(model: LanguageModel, sentences: Iterable[str]) -> Iterator[SentenceScore]:
    stream = iter(sentences)
    while block := list(islice(stream, _BLOCK)):
        words = [sentence.split(" ") for sentence in block]
        log_probs, nums_oov = model.sentence_log_probs(words)
        for text, said, log_prob, num_oov in zip(block, words, log_probs, nums_oov, strict=True):
            yield SentenceScore(text, float(log_prob) / math.log(10), len(said), int(num_oov))
