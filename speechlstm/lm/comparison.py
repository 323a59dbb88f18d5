"""Two language models on the same text: perplexity by the frequency of words."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

from speechlstm.errors import DataError
from speechlstm.lm.model import LanguageModel
from speechlstm.lm.perplexity import perplexity_of

_BLOCK = 100  # sentences in a batch; few, because an LSTM caches few contexts
ENDS, OTHERS, ALL = "ends of sentences", "unknown to a model", "all but unknown words"


@dataclass
class WordClass:
    """The words of a text with similar frequency.

    Attributes:
        name: Which words they are.
        num_words: How many there are, with repetitions.
        log_probs: The sum of their natural log-probabilities in each model.
        num_better: How many of them have a higher probability in the first model.
    """

    name: str
    num_words: int = 0
    log_probs: list[float] = field(default_factory=lambda: [0.0, 0.0])
    num_better: int = 0

    def add(self, first: float, second: float) -> None:
        """Count a word with its natural log-probabilities."""
        self.num_words += 1
        self.log_probs[0] += first
        self.log_probs[1] += second
        self.num_better += first > second

    @property
    def perplexities(self) -> tuple[float, float]:
        """Exp of minus the mean log-probability, in each model."""
        first, second = (perplexity_of(total, self.num_words) for total in self.log_probs)
        return first, second

    def to_dict(self) -> dict[str, Any]:
        """The class as plain JSON values."""
        return asdict(self) | {"perplexities": list(self.perplexities)}


def compare_models(
    first: LanguageModel, second: LanguageModel, sentences: Iterable[str]
) -> list[WordClass]:
    """Compare two models word by word.

    Only words that both know are compared: probabilities of <unk> in different vocabularies mean
    different things, and a model with a smaller vocabulary would seem better.

    >>> from speechlstm.lm.ngram.estimate import estimate
    >>> from speechlstm.lm.ngram.model import NGramModel
    >>> from speechlstm.lm.text import tokenize
    >>> one, two = (NGramModel.from_table(estimate(tokenize(["a b", "b a b"]), n).table)
    ...             for n in (1, 2))
    >>> [(c.name, c.num_words) for c in compare_models(one, two, ["a b b", "c a"])]
    ... # doctest: +NORMALIZE_WHITESPACE
    [('1 time', 0), ('2 to 9 times', 4), ('ends of sentences', 2), ('all but unknown words', 6),
     ('unknown to a model', 1)]

    Returns:
        Words by the number of times that they occur in the text, ends of sentences, all of these
        together, and unknown words.

    Raises:
        DataError: There is no sentence.
    """
    texts = [sentence.split(" ") for sentence in sentences]
    if not texts:
        raise DataError("the text has no sentence to score")
    counts = Counter(word for words in texts for word in words)
    classes: dict[str, WordClass] = {
        name: WordClass(name) for name in [*_names(max(counts.values())), ENDS, ALL, OTHERS]
    }
    for words, *scores in _scored(first, second, texts):
        for word, one, two in zip([*words, None], *scores, strict=True):
            if word is None:
                name = ENDS
            elif first.word_id(word) and second.word_id(word):
                name = _name(counts[word])
            else:
                name = OTHERS
            classes[name].add(one, two)
            if name != OTHERS:
                classes[ALL].add(one, two)
    return list(classes.values())


def _scored(
    first: LanguageModel, second: LanguageModel, texts: Sequence[list[str]]
) -> Iterator[tuple[list[str], tuple[float, ...], tuple[float, ...]]]:
    stream = iter(texts)
    while block := list(islice(stream, _BLOCK)):
        yield from zip(
            block, first.word_log_probs(block), second.word_log_probs(block), strict=True
        )


def _name(count: int) -> str:
    low = 10 ** (len(str(count)) - 1)
    return "1 time" if count == 1 else f"{max(low, 2)} to {10 * low - 1} times"


def _names(most: int) -> list[str]:
    names = ["1 time"]
    low = 1
    while low <= most:
        if 10 * low - 1 > 1:
            names.append(_name(max(low, 2)))
        low *= 10
    return names
