"""Compares the recognised text with others that differ in a single place."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from speechlstm.explain.explanation import Comparison, Head
from speechlstm.explain.rivals import Difference, differences, shares_of_differences
from speechlstm.explain.scoring import Judgement, TextScorer
from speechlstm.text.alphabet import BLANK
from speechlstm.transcript import Hypothesis, Word

_MAX_PLACES = 8  # the most doubtful ones; of a reference, all places that differ
_LEAST_SHARE = 0.02  # of the other text in a place that is compared


@dataclass(frozen=True)
class Comparer:
    """Compares the best hypothesis with others.

    Attributes:
        n_best: The hypotheses, the best one first.
        shares: The probability of each.
        times: (num_steps + 1,), in seconds: see frame_times.
        start: Where the utterance starts in the recording, in seconds.
    """

    n_best: Sequence[Hypothesis]
    shares: Sequence[float]
    scorer: TextScorer
    heads: Sequence[Head]
    times: NDArray[np.float64]
    start: float

    @property
    def words(self) -> tuple[Word, ...]:
        """The recognised words."""
        return self.n_best[0].words

    def compare(self, reference: Sequence[str] | None) -> tuple[list[Comparison], Comparison]:
        """Compare the recognised text with others.

        Args:
            reference: The words that were spoken; None: not known.

        Returns:
            The places in the order of time, and the whole text beside the reference, or beside
            itself if there is none.
        """
        words = [word.text for word in self.words]
        shares = shares_of_differences(self.n_best, self.shares)
        if reference is None:
            places = _separate(place for place, share in shares.items() if share >= _LEAST_SHARE)
        else:
            places = list(differences(words, reference))
        whole = Difference(0, len(words), tuple(reference or words))
        texts = [[*words[: p.start], *p.words, *words[p.stop :]] for p in (*places, whole)]
        recognized, *judged = self.scorer.judge([words, *texts])
        *compared, of_whole = (
            self._comparison(place, shares.get(place, 0.0), reference is not None, recognized, own)
            for place, own in zip((*places, whole), judged, strict=True)
        )
        return sorted(compared, key=lambda comparison: comparison.place), of_whole

    def _comparison(
        self,
        place: Difference,
        share: float,
        is_reference: bool,
        recognized: Judgement,
        other: Judgement,
    ) -> Comparison:
        begin, end = self._frames(place)
        return Comparison(
            start=self.start + float(self.times[begin]),
            end=self.start + float(self.times[end]),
            place=(place.start, place.stop),
            words=tuple(word.text for word in self.words[place.start : place.stop]),
            others=place.words,
            share=share,
            is_reference=is_reference,
            recognized=recognized,
            other=other,
            emitted=tuple(_emitted(head, begin, end) for head in self.heads),
            unknown=tuple(word for word in place.words if not self.scorer.is_in_vocabulary(word)),
        )

    def _frames(self, place: Difference) -> tuple[int, int]:
        """The first frame of a place and the one after it: from the word before to that after."""
        before, after = self.words[: place.start], self.words[place.stop :]
        begin = np.searchsorted(self.times, before[-1].end - 1e-6) if before else 0
        end = np.searchsorted(self.times, after[0].start - 1e-6) if after else len(self.times) - 1
        return int(begin), max(int(end), int(begin))


def _separate(places: Iterable[Difference]) -> list[Difference]:
    """The first _MAX_PLACES places that do not overlap with one before."""
    chosen: list[Difference] = []
    for place in places:
        if all(place.stop < p.start or p.stop < place.start or _disjoint(place, p) for p in chosen):
            chosen.append(place)
    return chosen[:_MAX_PLACES]


def _disjoint(first: Difference, second: Difference) -> bool:
    """Whether two neighbouring places have no word in common, and none is an insertion."""
    if first.start == first.stop or second.start == second.stop:
        return False
    return first.stop <= second.start or second.stop <= first.start


def _emitted(head: Head, begin: int, end: int) -> str:
    """The most probable labels of some frames, without repeats and blanks."""
    best = head.log_probs[begin:end].argmax(axis=1).tolist()
    labels = [label for label, _ in groupby(best) if label != BLANK]
    return (" " if head.alphabet.separator else "").join(map(head.symbol, labels))
