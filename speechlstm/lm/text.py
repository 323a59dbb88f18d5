"""Texts for language models: read as a stream of sentences, one a line, and stored as word ids."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speechlstm.errors import DataError
from speechlstm.lm.ngram.table import SENTENCE_END, SENTENCE_START, UNKNOWN
from speechlstm.lm.textfile import read_lines
from speechlstm.text.alphabet import Alphabet
from speechlstm.text.normalize import normalize

START_ID, END_ID = 1, 2  # of <s> and </s>; <unk> is 0
_SPECIAL = (UNKNOWN, SENTENCE_START, SENTENCE_END)
_BLOCK = 10_000  # sentences


@dataclass(frozen=True)
class Text:
    """Sentences as word ids.

    Attributes:
        vocabulary: The word of each id: <unk>, <s>, </s>, then the others.
        tokens: (num_tokens,) int32; each sentence is its words between START_ID and END_ID.
    """

    vocabulary: Sequence[str]
    tokens: NDArray[np.int32]


def read_sentences(path: Path) -> Iterator[str]:
    """The normalised lines of a text, plain or compressed (.gz, .xz); empty ones are skipped.

    >>> list(read_sentences(Path("data/samples/zip.txt")))
    ['one eight zero zero five']

    Raises:
        DataError: The file cannot be read, is not UTF-8 text, or has no sentence.
    """
    is_empty = True
    for line in read_lines(path):
        if sentence := normalize(line):
            is_empty = False
            yield sentence
    if is_empty:
        raise DataError(f"{path}: has no sentence")


class Exclusion:
    """Removes certain sentences from texts, and counts them.

    >>> exclusion = Exclusion(["good day"])
    >>> list(exclusion.filter(["good day", "good night"])), exclusion.num_found
    (['good night'], 1)

    Args:
        sentences: The normalised sentences to remove.

    Attributes:
        num_found: The number of sentences removed.
    """

    def __init__(self, sentences: Iterable[str]) -> None:
        self._sentences = frozenset(sentences)
        self.num_found = 0
        self.first_found = ""

    def filter(self, sentences: Iterable[str]) -> Iterator[str]:
        """The sentences without those to be removed."""
        for sentence in sentences:
            if sentence in self._sentences:
                self.num_found += 1
                self.first_found = self.first_found or sentence
            else:
                yield sentence


def tokenize(sentences: Iterable[str]) -> Text:
    """Number the words of normalised sentences in the order in which they occur.

    >>> text = tokenize(["good day", "good night"])
    >>> list(text.vocabulary), text.tokens.tolist()
    (['<unk>', '<s>', '</s>', 'good', 'day', 'night'], [1, 3, 4, 2, 1, 3, 5, 2])

    Raises:
        DataError: There is no sentence.
    """
    ids = _Ids((word, i) for i, word in enumerate(_SPECIAL))
    blocks = []
    stream = iter(sentences)
    while block := list(islice(stream, _BLOCK)):
        between = f" {SENTENCE_END} {SENTENCE_START} "
        words = f"{SENTENCE_START} {between.join(block)} {SENTENCE_END}".split(" ")
        blocks.append(np.fromiter(map(ids.__getitem__, words), np.int32, len(words)))
    if not blocks:
        raise DataError("the text has no sentence to learn from")
    return Text(list(ids), np.concatenate(blocks))


class _Ids(dict[str, int]):
    """Assigns the next id to each new word."""

    def __missing__(self, word: str) -> int:
        self[word] = len(self)
        return len(self) - 1


def words_by_frequency(text: Text) -> list[str]:
    """The words of a text, the most frequent first; ties are in the order of the vocabulary.

    >>> words_by_frequency(tokenize(["good day", "good night"]))
    ['good', 'day', 'night']
    """
    counts = np.bincount(text.tokens, minlength=len(text.vocabulary))[len(_SPECIAL) :]
    return [text.vocabulary[len(_SPECIAL) + i] for i in np.argsort(-counts, kind="stable")]


def chosen_words(text: Text, vocabulary: int | Path | None, alphabet: Alphabet | None) -> list[str]:
    """The words that a model of a text is to know.

    Args:
        vocabulary: The number of its most frequent words, or a file with the words; None: all.
        alphabet: Words that it cannot spell are left out; None: none are.

    Raises:
        DataError: The file cannot be read, or no word is left.
    """
    num_words = vocabulary if isinstance(vocabulary, int) else None
    if not isinstance(vocabulary, Path):
        words = words_by_frequency(text)
    else:
        words = [word for line in read_sentences(vocabulary) for word in line.split()]
    if alphabet and not alphabet.separator:
        words = [word for word in words if set(alphabet.symbols).issuperset(word)]
    if not words[:num_words]:
        raise DataError("no word of the text is left: use another --vocabulary or another --bundle")
    return words[:num_words]


def limit_vocabulary(text: Text, words: Iterable[str]) -> Text:
    """The text with these words only; all others become <unk>.

    >>> limit_vocabulary(tokenize(["good day"]), ["day"]).tokens.tolist()
    [1, 0, 3, 2]
    """
    vocabulary = list(dict.fromkeys([*_SPECIAL, *words]))
    ids = {word: i for i, word in enumerate(vocabulary)}
    new_ids = np.array([ids.get(word, 0) for word in text.vocabulary], np.int32)
    return Text(vocabulary, new_ids[text.tokens])
