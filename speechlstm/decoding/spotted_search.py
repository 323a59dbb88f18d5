"""Beam search in which hypotheses may contain spotted phrases."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from speechlstm.config import DecodeConfig
from speechlstm.decoding.fusion import NO_WORD, ROOT, WordFusion
from speechlstm.decoding.search import MULTIPLIER, PrefixSearch
from speechlstm.decoding.search_state import (
    BONUS,
    ENDING,
    HASH,
    HOT_STATE,
    IN_BLANK,
    IN_LABEL,
    LAST,
    LENGTH,
    LM,
    LM_STATE,
    NODE,
    NOT_QUERIED,
    SETTLED,
    TOTAL,
    WORD,
    Beams,
    distinct,
)
from speechlstm.decoding.spotted_phrases import SpottedPhrase

_SPOTTED = 0x2545F4914F6CDD1D  # added to the hash after a spotted phrase, to tell it from others
_NUM_BEGINNING = 64  # the number of best hypotheses that may continue with a spotted phrase


class SpottedSearch(PrefixSearch):
    """The search in one utterance, with phrases that hypotheses may contain in certain frames.

    A hypothesis that begins a phrase leaves the beam, and returns after the phrase's last frame.

    Args:
        num_labels: The number of labels, with the blank.
    """

    def __init__(
        self,
        fusion: WordFusion,
        config: DecodeConfig,
        num_labels: int,
        spotted: Sequence[SpottedPhrase],
    ) -> None:
        super().__init__(fusion, config, num_labels)
        self._starting: dict[int, list[SpottedPhrase]] = defaultdict(list)  # by their first frame
        self._arriving: dict[int, list[Beams]] = defaultdict(list)  # by the frame after the phrase
        for phrase in spotted:
            self._starting[phrase.start].append(phrase)

    def _has_phrases(self, t: int) -> bool:
        return t in self._starting or t in self._arriving

    def _pass_phrases(self, t: int) -> None:
        """Add hypotheses whose spotted phrase has ended before frame t, and start new ones at t."""
        if t in self._arriving:
            self._beams = Beams.join([self._beams, *self._arriving[t]])
        for phrase in self._starting.get(t, ()):
            beginning = self._between_words()
            if beginning.ints.size:
                self._arriving[phrase.stop].append(self._after_phrase(beginning, phrase))

    def _between_words(self) -> Beams:
        """The best hypotheses after which a phrase may begin; their words are ended."""
        if self._fusion.is_open and not self._fusion.boundary:
            beams = self._beams  # a phrase may begin anywhere
        else:
            between = self._beams.take((self._beams.ints[NODE] == ROOT).nonzero()[0])
            ended = self._ended()
            if self._fusion.boundary:
                ended = self._bounded(ended)
                self._record(ended.ints)
            beams = distinct(Beams.join([between, ended]))
        scores = beams.floats[TOTAL] + beams.floats[SETTLED]
        return beams.take(np.argsort(-scores, kind="stable")[:_NUM_BEGINNING])

    def _after_phrase(self, beams: Beams, phrase: SpottedPhrase) -> Beams:
        """The hypotheses after a spotted phrase."""
        ints, floats = beams.ints, beams.floats
        # A label repeats the last one only in paths that end in a blank.
        np.copyto(floats[TOTAL], floats[IN_BLANK], where=ints[LAST] == phrase.labels[0])
        floats[TOTAL] += phrase.log_prob
        floats[IN_LABEL], floats[IN_BLANK] = floats[TOTAL], -np.inf
        for label, word in zip(phrase.labels, phrase.ended, strict=True):
            ints[LAST], ints[WORD] = label, word if word != NO_WORD else ints[WORD]
            ints[HASH] = (ints[HASH] + word) * MULTIPLIER + self._codes[label]
            self._record(ints)
        ints[WORD] = phrase.last
        ints[HASH] = (ints[HASH] + phrase.last) * MULTIPLIER + _SPOTTED
        look_ahead = np.zeros(ints.shape[1])
        if self._fusion.is_open and not self._fusion.boundary:  # the word may continue
            for label in phrase.labels:
                ints[LENGTH] += 1
                new = np.full(ints.shape[1], label)
                ints[NODE], look_ahead = self._fusion.spell(ints[NODE], ints[LENGTH], new)
        else:
            ints[LM_STATE], lm_log_probs, gains = self._fusion.add_words(
                ints[LM_STATE], phrase.words
            )
            floats[LM] += lm_log_probs
            floats[SETTLED] += gains
        ints[HOT_STATE], ints[ENDING] = self._fusion.hot_start_state, NOT_QUERIED
        floats[SETTLED] += phrase.gain
        floats[BONUS] = floats[SETTLED] + look_ahead
        return beams.take((floats[TOTAL] > -np.inf).nonzero()[0])
