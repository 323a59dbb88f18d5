"""Punctuated text as training data, and the pauses at its marks in recordings."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speechlstm.corpora.manifest import Manifest
from speechlstm.errors import DataError
from speechlstm.lm.textfile import read_lines
from speechlstm.readable.features import NUM_IDS, NUM_PAUSES, pause_classes, word_ids
from speechlstm.readable.marked_text import (
    CAPITALISED,
    MARKS,
    SENTENCE_ENDS,
    MarkedWord,
    in_case,
    marked_words,
)
from speechlstm.recognizer import Recognizer

Passage = list[MarkedWord]

_BLOCK = 50  # consecutive passages that are held out together: they may be of one article
_EVERY = 40  # blocks, of which two are held out
_MIN_COUNT = 2  # smallest count of a spelling in mixed case


@dataclass(frozen=True)
class PunctuatedText:
    """Passages as arrays.

    Attributes:
        ids: (num_words, NUM_IDS) int32: see word_ids.
        marks: (num_words,) int32 labels of MARKS.
        cases: (num_words,) int32 labels of CASES.
        starts: (num_passages,) int64, the index of the first word of each passage.
    """

    ids: NDArray[np.int32]
    marks: NDArray[np.int32]
    cases: NDArray[np.int32]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, passages: Iterable[Passage]) -> "PunctuatedText":
        """The arrays of passages.

        Raises:
            DataError: They have no word.
        """
        ids, marks, cases, lengths = [np.zeros((0, NUM_IDS), np.int32)], [], [], []
        for passage in passages:
            ids.append(word_ids(word.text for word in passage))
            marks += [word.mark for word in passage]
            cases += [word.case for word in passage]
            lengths.append(len(passage))
        if not marks:
            raise DataError("the text holds no word: nothing to learn from")
        starts = np.cumsum([0, *lengths[:-1]])
        return cls(
            np.concatenate(ids), np.array(marks, np.int32), np.array(cases, np.int32), starts
        )


def read_passages(path: Path) -> Iterator[Passage]:
    """The passages of a text, one a line, plain or compressed (.gz, .xz).

    Lines without a word are left out, and those with digits (it is not known how they are spoken)
    or with a mark between spaces (a word is missing before it).

    Raises:
        DataError: The file cannot be read, or is not UTF-8 text.
    """
    for line in read_lines(path):
        is_whole = not any(token in (".", ",", "?", "!") for token in line.split())
        is_spoken = is_whole and not any(map(str.isdigit, line))
        if is_spoken and (passage := marked_words(line)):
            yield passage


def split_passages(
    passages: Iterable[Passage],
) -> tuple[list[Passage], list[Passage], list[Passage]]:
    """Split passages into those for training, validation and test.

    One of _EVERY blocks of consecutive passages is for validation, the next one for the test.

    Args:
        passages: The passages, in the order of the text.
    """
    parts: tuple[list[Passage], ...] = ([], [], [])
    stream, number = iter(passages), 0
    while block := list(islice(stream, _BLOCK)):
        number += 1
        parts[{0: 1, 1: 2}.get(number % _EVERY, 0)].extend(block)
    return parts[0], parts[1], parts[2]


def mixed_case(passages: Iterable[Passage]) -> dict[str, str]:
    """The spellings of words that are mostly written in mixed case, such as "McDonald"."""
    ways: dict[str, Counter[str]] = defaultdict(Counter)
    for passage in passages:
        for word in passage:
            ways[word.text][word.written] += 1
    found = {}
    for text, counts in ways.items():
        written, count = counts.most_common(1)[0]
        plain = (text, in_case(text, CAPITALISED), text.upper())
        if count >= _MIN_COUNT and written not in plain and written.lower() == text:
            found[text] = written
    return dict(sorted(found.items()))


def count_pauses(recordings: Iterable[tuple[Passage, Sequence[float]]]) -> NDArray[np.int64]:
    """Count each class of pause after each mark; all ends of sentences count as one mark.

    Args:
        recordings: The marked words of each, and the seconds after each word but the last.

    Returns:
        (num_marks, NUM_PAUSES); class 0, an unknown pause, has no counts.
    """
    counts = np.zeros((len(MARKS), NUM_PAUSES), np.int64)
    for passage, pauses in recordings:
        marks = [word.mark for word in passage[:-1]]
        np.add.at(counts, (np.array(marks, int), pause_classes(pauses)), 1)
    counts[list(SENTENCE_ENDS)] = counts[list(SENTENCE_ENDS)].sum(axis=0)
    return counts


def aligned_passages(
    recognizer: Recognizer, manifest: Path
) -> Iterator[tuple[Passage, list[float]]]:
    """The marked words of each recording, and the seconds between them.

    Recordings that cannot be read or aligned are left out, and those whose texts have digits or no
    mark.

    Args:
        manifest: The recordings and their punctuated texts.

    Raises:
        DataError: The manifest is faulty.
    """
    listed = Manifest(manifest)
    for entry in listed.entries():
        if isinstance(entry, Exception):
            raise entry
        passage = marked_words(entry.text or "")
        has_digits = any(map(str.isdigit, entry.text or ""))
        if has_digits or not any(word.mark for word in passage):
            continue
        try:
            path, text = listed.recording(entry), " ".join(word.text for word in passage)
            words = recognizer.align_file(path, text).words
        except DataError:
            continue
        yield passage, [b.start - a.end for a, b in pairwise(words)]
