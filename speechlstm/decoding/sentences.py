"""Ends sentences at pauses, so that a language model of sentences finds their beginnings and ends.

A recording holds several sentences, or clauses that a language model knows as well. Without this, a
language model must predict the first word of a sentence from the last word of the one before, which
it has never seen. (Of LibriSpeech's held-out speakers, that costs one word error in fifteen.)

A hot word may have a pause in it, between the words of a phrase or the parts of a long word. If one
fits in the frames of several sentences, these are decoded as one, too, and the better text is kept.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from functools import reduce
from heapq import nlargest
from itertools import product

import numpy as np
from numpy.typing import NDArray

from speechlstm.config import DecodeConfig
from speechlstm.decoding.beam import BeamDecoder, BeamHypothesis
from speechlstm.decoding.log_probs import check_log_probs
from speechlstm.decoding.search import PrefixSearch
from speechlstm.decoding.spotted_phrases import SpottedPhrase
from speechlstm.text.alphabet import BLANK

_BLANK_PROBABILITY = 0.9  # of a frame that is part of a pause

NBest = list[BeamHypothesis]
Decode = Callable[[NDArray[np.float32], PrefixSearch], NBest]


def sentence_end(log_probs: NDArray[np.float32], num_blanks: int) -> int | None:
    """The number of frames of the first sentence, if a pause follows it; None: none does.

    The frame after the sentence is the first after num_blanks blanks in a row that follow another
    label. It is the same if more frames are known, so that an utterance that is not over
    yet has the same sentences as a whole one.

    >>> frames = np.log(np.array([[1, 0], [0, 1], [1, 0], [1, 0], [1, 0]], np.float32) + 1e-9)
    >>> sentence_end(frames, num_blanks=2)
    4

    Args:
        log_probs: (num_frames, num_labels), natural logarithms; label 0 is the blank.
        num_blanks: At least 1.
    """
    others = np.append(_is_other(log_probs).nonzero()[0], len(log_probs))
    pauses = (np.diff(others) > num_blanks).nonzero()[0]
    return int(others[pauses[0]]) + 1 + num_blanks if pauses.size else None


def _is_other(log_probs: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether each frame has another label than the blank."""
    is_other: NDArray[np.bool_] = log_probs[:, BLANK] <= np.log(_BLANK_PROBABILITY)
    return is_other


class SentenceSearch:
    """The search in an utterance of several sentences, whose frames may come bit by bit.

    Args:
        beam: Searches a sentence.
        decode: From the frames of a sentence, and a search that has passed the first of them, to
            its n-best list.
        num_blanks: The number of blanks in a row that end a sentence; 0: there is one sentence.

    Attributes:
        ends: The frame after each sentence that has ended.
    """

    def __init__(self, beam: BeamDecoder, decode: Decode, num_blanks: int) -> None:
        self._beam, self._decode, self._num_blanks = beam, decode, num_blanks
        self._ended: list[NBest] = []
        self.ends: list[int] = []
        self._start = 0  # the first frame of the last sentence
        self._search = beam.start()

    def advance(self, log_probs: NDArray[np.float32], num_frames: int) -> None:
        """Continue until num_frames frames are passed, and decode the sentences that end there.

        Args:
            log_probs: (num_frames or more, num_labels) of the utterance, natural logarithms.
            num_frames: Not smaller than before.
        """
        self._end_sentences(log_probs[:num_frames])
        passed = self._start + self._search.num_frames
        self._search.advance(self._beam.prepared(log_probs[passed:num_frames]))

    def _end_sentences(self, log_probs: NDArray[np.float32]) -> None:
        """Decode the sentences that end in the frames known so far, and begin the next one."""
        while self._num_blanks:
            size = sentence_end(log_probs[self._start :], self._num_blanks)
            if size is None:
                break
            end = self._start + size
            self._ended.append(self._decode(log_probs[self._start : end], self._search))
            self.ends.append(end)
            self._start, self._search = end, self._beam.start()

    def fork(self, config: DecodeConfig | None = None) -> "SentenceSearch":
        """See PrefixSearch."""
        other = copy(self)
        other._ended, other.ends = list(self._ended), list(self.ends)
        other._search = self._search.fork(config)
        return other

    def preview(self, log_probs: NDArray[np.float32], num_hypotheses: int) -> NBest:
        """As finish, of a text that may go on: see BeamDecoder.preview."""
        last = self._beam.preview(log_probs[self._start :], self._search, num_hypotheses)
        return self._joined(last)

    def finish(self, log_probs: NDArray[np.float32]) -> NBest:
        """The n-best list of the utterance. It cannot be continued.

        Args:
            log_probs: (num_frames, num_labels) of all frames.

        Raises:
            ValueError: As in `BeamDecoder.decode`.
        """
        check_log_probs(log_probs, self._beam.alphabet)  # also what no search passes
        self._end_sentences(log_probs)
        last = log_probs[self._start :]
        if not self._ended or _is_other(last).any():  # silence is no sentence
            self._ended.append(self._decode(last, self._search))
            self.ends.append(len(log_probs))
        self._decode_across_pauses(log_probs)
        return self._joined()

    def _decode_across_pauses(self, log_probs: NDArray[np.float32]) -> None:
        """Make one sentence of those that hot words are spoken across."""
        if len(self._ended) < 2:
            return
        phrases = self._beam.spotted(log_probs, self._joined()[0])
        ranges = [self._sentences_of(phrase) for phrase in phrases]
        for first, stop in _united([(i, j) for i, j in ranges if j - i > 1]):
            inside = [
                p for p, (i, j) in zip(phrases, ranges, strict=True) if first <= i < j <= stop
            ]
            self._decode_as_one(log_probs, first, stop, inside)

    def _sentences_of(self, phrase: SpottedPhrase) -> tuple[int, int]:
        """The (first, stop) range of the sentences in whose frames a phrase is."""
        first, last = (bisect_right(self.ends, t) for t in (phrase.start, phrase.stop - 1))
        return first, min(last + 1, len(self.ends))

    def _decode_as_one(
        self,
        log_probs: NDArray[np.float32],
        first: int,
        stop: int,
        phrases: Sequence[SpottedPhrase],
    ) -> None:
        """Replace several sentences by one, if that has a phrase and a better score with it."""
        start = self.ends[first - 1] if first else 0
        whole = self._decode(log_probs[start : self.ends[stop - 1]], self._beam.start())
        gains = [p.gain for p in phrases if f" {' '.join(p.words)} " in f" {whole[0].text} "]
        gain = 0.0 if whole[0].has_hot_words else max(gains, default=-np.inf)
        if whole[0].score + gain > sum(n_best[0].score for n_best in self._ended[first:stop]):
            self._ended[first:stop] = [whole]
            self.ends[first:stop] = [self.ends[stop - 1]]

    def _joined(self, *last: NBest) -> NBest:
        boundary = self._beam.boundary
        return reduce(
            lambda before, after: join_sentences(before, after, boundary), [*self._ended, *last]
        )


def _united(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The unions of (first, stop) ranges that overlap, the last one first.

    >>> _united([(4, 6), (0, 2), (1, 4)])
    [(4, 6), (0, 4)]
    """
    united: list[tuple[int, int]] = []
    for first, stop in sorted(ranges):
        if united and first < united[-1][1]:
            united[-1] = united[-1][0], max(stop, united[-1][1])
        else:
            united.append((first, stop))
    return united[::-1]


def join_sentences(before: NBest, after: NBest, boundary: int) -> NBest:
    """The n-best list of two sentences, as long as the longer one of theirs; different texts only.

    Args:
        before: The n-best list of the first one, the best hypothesis first.
        after: That of the second one.
        boundary: The label between words; 0: there is none.
    """
    found: dict[str, BeamHypothesis] = {}
    size = max(len(before), len(after))
    pairs = nlargest(size, product(before, after), key=lambda pair: pair[0].score + pair[1].score)
    for first, second in pairs:
        hypothesis = _continued(first, second, boundary)
        found.setdefault(hypothesis.text, hypothesis)
    return list(found.values())


def _continued(first: BeamHypothesis, second: BeamHypothesis, boundary: int) -> BeamHypothesis:
    gap = (boundary,) if boundary and first.labels and second.labels else ()
    labels = (*first.labels, *gap)
    return BeamHypothesis(
        " ".join(text for text in (first.text, second.text) if text),
        (*labels, *second.labels),
        (*first.spans, *((len(labels) + i, len(labels) + j) for i, j in second.spans)),
        first.log_prob + second.log_prob,
        first.lm_log_prob + second.lm_log_prob,
        first.score + second.score,
        first.has_hot_words or second.has_hot_words,
    )
