"""Joins the hypotheses of a long recording's segments."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import NamedTuple

from speechlstm.transcript import Hypothesis


class _Joined(NamedTuple):
    """A hypothesis for all segments so far: one for the last segment after one for those before.

    Attributes:
        key: The same for hypotheses of the same words.
    """

    key: int
    score: float
    log_prob: float
    lm_log_prob: float
    start: float
    last: Hypothesis
    before: "_Joined | None"


class JoinedHypotheses:
    """The best hypotheses of a recording that is decoded in segments.

    A hypothesis of the whole refers to the one that it continues, and its words are joined once, at
    the end. So time and memory are linear in the number of segments.

    >>> joined = JoinedHypotheses()
    >>> joined.add(0.0, [Hypothesis("good", (), -1.0, score=-1.0)])
    >>> joined.add(9.5, [Hypothesis("day", (), -2.0, score=-2.0)])
    >>> joined.best()[0].text
    'good day'
    """

    def __init__(self) -> None:
        self._joined: list[_Joined] = []

    def add(self, start: float, hypotheses: Sequence[Hypothesis]) -> None:
        """Continue with the hypotheses of the next segment.

        As many hypotheses are kept as the longest list so far has. Of those that have the same
        words, in other segments, the best one is kept.

        Args:
            start: The start of the segment, in seconds from the start of the recording.
            hypotheses: The hypotheses of the segment, at least one.
        """
        before: Sequence[_Joined | None] = self._joined or [None]
        pairs = product(before, hypotheses)
        continued = (_continued(joined, start, hypothesis) for joined, hypothesis in pairs)
        num_kept = max(len(before), len(hypotheses))
        distinct: dict[int, _Joined] = {}
        for joined in sorted(continued, key=lambda joined: -joined.score):
            distinct.setdefault(joined.key, joined)
        self._joined = list(distinct.values())[:num_kept]

    def best(self) -> tuple[Hypothesis, ...]:
        """The hypotheses of the whole, the best one first; an empty one if there was no segment."""
        if not self._joined:
            return (Hypothesis("", (), 0.0),)
        return tuple(map(_whole, self._joined))


def join_segments(segments: Iterable[tuple[float, Sequence[Hypothesis]]]) -> tuple[Hypothesis, ...]:
    """The hypotheses of a recording, the best one first, from start and hypotheses of segments."""
    whole = JoinedHypotheses()
    for start, hypotheses in segments:
        whole.add(start, hypotheses)
    return whole.best()


def _continued(before: _Joined | None, start: float, last: Hypothesis) -> _Joined:
    key = before.key if before else 0
    for word in last.text.split():
        key = hash((key, word))
    if before is None:
        return _Joined(key, last.score, last.log_prob, last.lm_log_prob, start, last, None)
    return _Joined(
        key,
        before.score + last.score,
        before.log_prob + last.log_prob,
        before.lm_log_prob + last.lm_log_prob,
        start,
        last,
        before,
    )


def _whole(joined: _Joined) -> Hypothesis:
    segments = list(_segments(joined))[::-1]
    words = tuple(
        replace(word, start=word.start + start, end=word.end + start)
        for start, hypothesis in segments
        for word in hypothesis.words
    )
    text = " ".join(hypothesis.text for _, hypothesis in segments if hypothesis.text)
    return Hypothesis(text, words, joined.log_prob, joined.lm_log_prob, joined.score)


def _segments(joined: _Joined | None) -> Iterator[tuple[float, Hypothesis]]:
    """The start and the hypothesis of each segment, the last one first."""
    while joined:
        yield joined.start, joined.last
        joined = joined.before
