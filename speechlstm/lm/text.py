"""Texts to learn from: a sentence a line, read as a stream and kept as word ids."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speechlstm.errors import DataError
from speechlstm.lm.ngram.table import SENTENCE_END, SENTENCE_START, UNKNOWN
from speechlstm.lm.textfile import COMPRESSION_ERRORS, open_text
from speechlstm.text.normalize import normalize

START_ID, END_ID = 1, 2  # of <s> and </s>, after <unk>
_SPECIAL = (UNKNOWN, SENTENCE_START, SENTENCE_END)
_BLOCK = 10_000  # sentences


@dataclass(frozen=True)
class Text:
    """Sentences as word ids.

    Attributes:
        vocabulary: Word of each id: <unk>, <s>, </s>, then the others.
        tokens: (num_tokens,) int32; each sentence is its words between START_ID and END_ID.
    """

    vocabulary: Sequence[str]
    tokens: NDArray[np.int32]


def read_sentences(path: Path) -> Iterator[str]:
    """The lines of a text, plain or compressed (.gz, .xz), normalised; empty ones are left out.

    Raises:
        DataError: The file cannot be read, is not UTF-8 text, or holds no sentence.
    """
    num_lines = num_sentences = 0
    try:
        with open_text(path) as file:
            for content in file:
                num_lines += 1
                if sentence := normalize(content.decode()):
                    num_sentences += 1
                    yield sentence
    except UnicodeDecodeError as error:
        raise DataError(f"{path}:{num_lines}: not UTF-8 text: {error}") from error
    except COMPRESSION_ERRORS as error:
        raise DataError(f"{path}: cannot be decompressed: {error}") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    if not num_sentences:
        raise DataError(f"{path}: holds no sentence")


class Exclusion:
    """Leaves out certain sentences, and remembers that it had to.

    Args:
        sentences: Normalised.

    Attributes:
        num_found: How many have been left out.
        first_found: The first of them.
    """

    def __init__(self, sentences: Iterable[str]) -> None:
        self._sentences = frozenset(sentences)
        self.num_found = 0
        self.first_found = ""

    def filter(self, sentences: Iterable[str]) -> Iterator[str]:
        """The sentences that may stay."""
        for sentence in sentences:
            if sentence in self._sentences:
                self.num_found += 1
                self.first_found = self.first_found or sentence
            else:
                yield sentence


def tokenize(sentences: Iterable[str]) -> Text:
    """Number the words of normalised sentences in the order in which they occur.

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
        raise DataError("the text holds no sentence: nothing to learn from")
    return Text(list(ids), np.concatenate(blocks))


class _Ids(dict[str, int]):
    """Gives each word that is asked for the next id."""

    def __missing__(self, word: str) -> int:
        self[word] = len(self)
        return len(self) - 1


def words_by_frequency(text: Text) -> list[str]:
    """The words of a text, the most frequent first; of equally frequent ones the earlier first."""
    counts = np.bincount(text.tokens, minlength=len(text.vocabulary))[len(_SPECIAL) :]
    return [text.vocabulary[len(_SPECIAL) + i] for i in np.argsort(-counts, kind="stable")]


def limit_vocabulary(text: Text, words: Iterable[str]) -> Text:
    """The text with these words only; any other becomes <unk>."""
    vocabulary = list(dict.fromkeys([*_SPECIAL, *words]))
    ids = {word: i for i, word in enumerate(vocabulary)}
    new_ids = np.array([ids.get(word, 0) for word in text.vocabulary], np.int32)
    return Text(vocabulary, new_ids[text.tokens])
