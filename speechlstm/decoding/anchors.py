"""Aligns a long text: cut into pieces where recognised words show which part of it is spoken when.

The time of a Viterbi search grows with the product of text and recording. So a long recording is
recognised first, roughly; where several words in a row are found in the text, and nowhere else in
it, both can be cut. Moreno et al., "A recursive algorithm for the forced alignment of very long
audio segments", ICSLP 1998.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from speechlstm.decoding.alignment import align
from speechlstm.decoding.greedy import best_path_emissions
from speechlstm.decoding.timed_words import spelled_words
from speechlstm.errors import DataError
from speechlstm.text.alphabet import Alphabet

_WHOLE = 1 << 27  # frames times states of the search; below this, nothing needs to be cut (2 s)
# Beyond this, the search would take a quarter of an hour, and a text in which no words of the
# recording are found is not its text.
_LARGEST = 1 << 36
_PIECE_FRAMES = 1000  # 30 s; shorter pieces would save little
_RUNS = (5, 4, 3)  # words in a row that must be the same


def align_long(
    log_probs: NDArray[np.float32],
    labels: Sequence[int],
    alphabet: Alphabet,
    where: str = "alignment",
) -> list[tuple[int, int]]:
    """As `align`, in a time that is linear in the length if the text is that of the recording.

    Args:
        labels: As in align; alphabet.num_labels stands for a word of unknown sound.
        alphabet: The symbols of the labels, each one character.

    Raises:
        DataError: The recording is long, and too few of its words are found in the text.
    """
    spans: list[tuple[int, int]] = []
    for (frame, label), (next_frame, next_label) in _pieces(log_probs, labels, alphabet):
        if (next_frame - frame) * (next_label - label) * 2 > _LARGEST:
            raise DataError(
                f"{where}: text and recording have too few words in common to be aligned; check "
                "that the text belongs to this recording"
            )
        own = labels[label:next_label]
        ends_with_space = next_label < len(labels)
        piece = align(
            log_probs[frame:next_frame],
            own[:-1] if ends_with_space else own,
            where,
            alphabet.space or None,
        )
        spans += [(frame + start, frame + stop) for start, stop in piece]
        spans += [(next_frame, next_frame)] * ends_with_space
    return spans


Cut = tuple[int, int]  # the frame and the label from which on the next piece is


def _pieces(
    log_probs: NDArray[np.float32], labels: Sequence[int], alphabet: Alphabet
) -> list[tuple[Cut, Cut]]:
    """The pieces that can be aligned one by one, each from a cut to the next one."""
    end = len(log_probs), len(labels)
    kept: list[Cut] = [(0, 0)]
    if len(log_probs) * 2 * len(labels) > _WHOLE:
        for cut in _cuts(log_probs, labels, alphabet):
            if cut[0] - kept[-1][0] >= _PIECE_FRAMES and cut[1] > kept[-1][1]:
                kept.append(cut)
    return list(zip(kept, [*kept[1:], end], strict=True))


def _cuts(log_probs: NDArray[np.float32], labels: Sequence[int], alphabet: Alphabet) -> list[Cut]:
    """Where text and recording can be cut: before a word within a run that is the same."""
    emissions = best_path_emissions(log_probs)
    spoken = list(spelled_words([e.label for e in emissions], alphabet))
    # A label that the alphabet lacks stands for a word of unknown sound: it corresponds to none.
    symbols = ["", *alphabet.symbols, "\N{REPLACEMENT CHARACTER}"]
    text = "".join(symbols[min(label, alphabet.num_labels)] for label in labels)
    written = [(word[0], word.span()) for word in re.finditer("[^ ]+", text)]
    pairs = _same_words([word for word, _ in spoken], [word for word, _ in written])
    return [(emissions[spoken[i][1][0]].start, written[j][1][0]) for i, j in pairs]


def _same_words(spoken: Sequence[str], written: Sequence[str]) -> list[tuple[int, int]]:
    """Indices of words that correspond, increasing in both; each is inside a run that is the same.

    The longest runs decide first; shorter ones are then sought between them.
    """
    found: list[tuple[int, int]] = []
    for length in _RUNS:
        edges = [(0, 0), *found, (len(spoken), len(written))]
        for (a, b), (c, d) in pairwise(edges):
            if c - a > length and d - b > length:
                runs = _unique_runs(spoken[a:c], written[b:d], length)
                found += [(a + i + length // 2, b + j + length // 2) for i, j in runs]
        found = sorted(set(found))
    return found


def _unique_runs(
    spoken: Sequence[str], written: Sequence[str], length: int
) -> list[tuple[int, int]]:
    """Where runs of words begin that occur once in both, as many as can be in the same order."""
    places = [_once(words, length) for words in (spoken, written)]
    pairs = sorted((i, places[1][run]) for run, i in places[0].items() if run in places[1])
    return _longest_increasing(pairs)


def _once(words: Sequence[str], length: int) -> dict[tuple[str, ...], int]:
    """The runs of words that occur once, and where."""
    places: dict[tuple[str, ...], int] = {}
    repeated = set()
    for index in range(len(words) - length + 1):
        run = tuple(words[index : index + length])
        if run in places:
            repeated.add(run)
        places[run] = index
    return {run: index for run, index in places.items() if run not in repeated}


def _longest_increasing(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest subsequence of pairs, sorted by the first, in which the second increases too.

    >>> _longest_increasing([(0, 5), (1, 1), (2, 2), (3, 9)])
    [(1, 1), (2, 2), (3, 9)]
    """
    tails: list[int] = []  # the smallest last value of subsequences of each length
    ends: list[int] = []  # the index of the pair with that value
    before = [-1] * len(pairs)
    for index, (_, value) in enumerate(pairs):
        place = bisect_left(tails, value)
        before[index] = ends[place - 1] if place else -1
        tails[place : place + 1] = [value]
        ends[place : place + 1] = [index]
    chain, index = [], ends[-1] if ends else -1
    while index >= 0:
        chain.append(pairs[index])
        index = before[index]
    return chain[::-1]
