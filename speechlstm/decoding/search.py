"""CTC prefix beam search, which processes all hypotheses of a frame at once.

Hannun et al., "First-pass large vocabulary continuous speech recognition using bi-directional
recurrent DNNs", 2014 (arXiv:1408.2873). Here hypotheses are columns of arrays, equal ones are found
by rolling hashes of their labels, and words are scored before they end (Ortmanns et al.,
"Language-model look-ahead for large vocabulary speech recognition", ICSLP 1996).
"""

import hashlib
from copy import copy

import numpy as np
from numpy.typing import NDArray

from speechlstm.config import DecodeConfig
from speechlstm.decoding.fusion import NO_WORD, ROOT, Floats, Integers, WordFusion
from speechlstm.decoding.log_probs import active_labels, floored
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
    NUM_FLOATS,
    NUM_INTS,
    SETTLED,
    TOTAL,
    TRACE,
    WORD,
    Beams,
    Path,
    grown_by,
    select,
    walk,
)
from speechlstm.decoding.word_endings import Endings
from speechlstm.text.alphabet import BLANK

MULTIPLIER = -0x61C8864680B583EB  # odd, with random bits


class PrefixSearch:
    """The search in one utterance, whose frames may come bit by bit.

    Args:
        num_labels: The number of labels, with the blank.

    Attributes:
        num_frames: The number of frames that it has passed.
    """

    def __init__(self, fusion: WordFusion, config: DecodeConfig, num_labels: int) -> None:
        self._fusion, self._config, self._endings = fusion, config, Endings(fusion)
        # Random bits without numpy.random, which takes 9 ms to load.
        self._codes = np.frombuffer(hashlib.shake_128().digest(8 * num_labels), np.int64)
        self._trace = [np.zeros((3, 1), np.int64)]  # (previous entry, label, word ended before it)
        self._trace_size = 1
        self._boundary = np.array([fusion.boundary])
        self._beams = Beams(np.zeros((NUM_INTS + NUM_FLOATS, 1), np.int64))
        ints = self._beams.ints
        ints[LAST], ints[WORD], ints[ENDING] = fusion.boundary, NO_WORD, NOT_QUERIED
        ints[LM_STATE], ints[HOT_STATE] = fusion.lm_start_state, fusion.hot_start_state
        self._beams.floats[IN_LABEL] = -np.inf
        self._limit = -config.max_score_gap  # the lowest score that counts
        self.num_frames = 0
        self._blanks: list[float] = []  # log-probabilities of blank frames since the last other one

    def advance(self, log_probs: NDArray[np.float32]) -> None:
        """Search the next frames.

        Args:
            log_probs: (num_frames, num_labels), natural logarithms; each frame sums to 1.
        """
        frames = floored(log_probs).astype(np.float64)
        is_blank = (frames[:, BLANK] >= np.log(self._config.blank_skip)).tolist()
        is_active = active_labels(frames, self._config.min_label_log_prob)
        ends_words = is_active[:, self._fusion.boundary].tolist()
        is_active[:, self._fusion.boundary] = False
        labels = is_active.nonzero()[1]
        bounds = np.concatenate(([0], np.cumsum(is_active.sum(axis=1)))).tolist()
        for row, frame in enumerate(frames):
            if not is_blank[row] or self._has_phrases(self.num_frames):
                self._pass_blanks()
            self._pass_phrases(self.num_frames)
            self.num_frames += 1
            if is_blank[row]:
                self._blanks.append(frame[BLANK])
                continue
            self._pass_frame(frame, labels[bounds[row] : bounds[row + 1]], ends_words[row])

    def fork(self, config: DecodeConfig | None = None) -> "PrefixSearch":
        """A search that continues from here, while this one can be continued otherwise.

        Args:
            config: Its settings; those of words and hot words have no effect. None: the same.
        """
        other = copy(self)
        other._config = config or self._config
        other._trace, other._blanks = list(self._trace), list(self._blanks)
        other._beams = Beams(self._beams.rows.copy())
        return other

    def finish(self, is_end: bool = True) -> list[Path]:
        """The hypotheses after the last frame, in no particular order. It cannot advance further.

        What it shares with forks of it, a cache, does not change their results.

        Args:
            is_end: Whether the text ends here, which the language model scores.
        """
        self._pass_blanks()
        self._pass_phrases(self.num_frames)
        return self._paths(is_end)

    def _has_phrases(self, t: int) -> bool:
        """Whether _pass_phrases changes anything before frame t; see SpottedSearch."""
        return False

    def _pass_phrases(self, t: int) -> None:
        """Called before frame t, and after the last frame; see SpottedSearch."""

    def _pass_blanks(self) -> None:
        """Pass the blank frames that have been skipped."""
        if not self._blanks:
            return
        log_prob, self._blanks = sum(self._blanks), []
        self._limit += log_prob
        floats = self._beams.floats
        floats[TOTAL] += log_prob
        floats[IN_BLANK] = floats[TOTAL]
        floats[IN_LABEL] = -np.inf

    def _pass_frame(self, frame: Floats, labels: Integers, ends_words: bool) -> None:
        """Keep hypotheses as they are and extend them by labels; the best ones survive.

        Args:
            frame: The log-probability of each label.
            labels: The labels to try, without the boundary.
            ends_words: Whether to try the boundary.
        """
        beams, ints, floats = self._beams, self._beams.ints, self._beams.floats
        limit = self._limit + frame[BLANK]  # all unchanged hypotheses reach it
        longer = self._longer(frame, labels, ends_words, limit)
        total, blank, label = floats[TOTAL], floats[IN_BLANK], floats[IN_LABEL]
        if ends_words:  # repeated boundaries are silence
            np.copyto(label, total, where=ints[NODE] == ROOT)
        label += frame[ints[LAST]]
        np.add(total, frame[BLANK], out=blank)
        if longer:
            self._merge(longer, label)
        np.logaddexp(blank, label, out=total)
        self._limit = limit
        if longer:
            self._choose(Beams.join([beams, longer]), len(total))

    def _longer(
        self, frame: Floats, labels: Integers, ends_words: bool, limit: float
    ) -> Beams | None:
        """The hypotheses extended by a label that can be among the best; see _pass_frame.

        Args:
            limit: The lowest score, with the previous look-ahead, which can only decrease.
        """
        beams, found = self._beams, []
        if len(labels):
            found.append(grown_by(beams, frame, labels, limit))
            if not (self._fusion.boundary or self._fusion.is_open):
                found.append(grown_by(self._ended(), frame, labels, limit))
            found = [self._spelled(Beams.join(found) if len(found) > 1 else found[0])]
        if ends_words:
            scores = beams.floats[TOTAL] + beams.floats[BONUS] + frame[self._fusion.boundary]
            promising = (scores >= limit).nonzero()[0]
            if promising.size:
                ended = self._ended(promising)
                found.append(self._bounded(grown_by(ended, frame, self._boundary, limit)))
        if not found:
            return None
        return found[0] if len(found) == 1 else Beams.join(found)

    def _spelled(self, longer: Beams) -> Beams:
        """Update hash, node, hot words and look-ahead for a new label that is no boundary."""
        ints, floats = longer.ints, longer.floats
        hashes, lengths, labels = ints[HASH], ints[LENGTH], ints[LAST]
        hashes *= MULTIPLIER
        hashes += self._codes[labels]
        lengths += 1
        ints[NODE], look_ahead = self._fusion.spell(ints[NODE], lengths, labels)
        self._add_hot_gains(longer)
        np.add(floats[SETTLED], look_ahead, out=floats[BONUS])
        return longer

    def _bounded(self, ended: Beams) -> Beams:
        """Update hash, hot words and score for a boundary after ended words."""
        ints = ended.ints
        ints[HASH] = ints[HASH] * MULTIPLIER + self._codes[self._fusion.boundary]
        ints[LAST] = self._fusion.boundary
        self._add_hot_gains(ended)
        ended.floats[BONUS] = ended.floats[SETTLED]
        return ended

    def _add_hot_gains(self, longer: Beams) -> None:
        """Add the gains of hot words that are matched by their spelling, for the last label."""
        if self._fusion.spelled_hot_words:
            ints = longer.ints
            ints[HOT_STATE], gains = self._fusion.spelled_hot_words.advance(
                ints[HOT_STATE], ints[LAST]
            )
            longer.floats[SETTLED] += gains

    def _merge(self, longer: Beams, label: Floats) -> None:
        """Move the probability of extended hypotheses that equal existing ones to those."""
        hashes = self._beams.ints[HASH]
        order = hashes.argsort()
        places = hashes[order].searchsorted(longer.ints[HASH])
        beams = order.take(places, mode="clip")
        same = (hashes[beams] == longer.ints[HASH]).nonzero()[0]
        if same.size:
            beams = beams[same]
            label[beams] = np.logaddexp(label[beams], longer.floats[TOTAL][same])
            longer.floats[TOTAL, same] = -np.inf

    def _choose(self, beams: Beams, num_old: int) -> None:
        """Continue with the best hypotheses; those from num_old on have a new label."""
        scores = beams.floats[TOTAL] + beams.floats[BONUS]
        width, max_gap = self._config.beam_width, self._config.max_score_gap
        chosen, self._limit = select(scores, width, max_gap)
        self._beams = beams.take(chosen)
        self._record(self._beams.ints[:, int(chosen.searchsorted(num_old)) :])

    def _record(self, ints: Integers) -> None:
        """Append the last label and word of hypotheses to the trace."""
        self._trace.append(ints[TRACE : WORD + 1].copy())
        size = self._trace_size + ints.shape[1]
        ints[TRACE] = np.arange(self._trace_size, size)
        ints[WORD] = NO_WORD
        self._trace_size = size

    def _ended(self, columns: Integers | None = None) -> Beams:
        """The hypotheses, or some of them, after the end of their words, in all possible ways.

        Hypotheses between words are left out.
        """
        ended = self._endings.of(self._beams, columns)
        beams = self._beams.take(ended.source)
        ints, floats = beams.ints, beams.floats
        ints[NODE], ints[LENGTH], ints[WORD], ints[ENDING] = ROOT, 0, ended.words, NOT_QUERIED
        ints[LM_STATE], ints[HOT_STATE] = ended.lm_states, ended.hot_states
        if not self._fusion.is_open:  # labels alone do not determine the words
            ints[HASH] = (ints[HASH] + 1 + ended.words) * MULTIPLIER
        floats[SETTLED] += ended.gains
        floats[BONUS] = floats[SETTLED]
        floats[LM] += ended.lm_log_probs
        return beams

    def _paths(self, is_end: bool) -> list[Path]:
        """The hypotheses with their last words ended."""
        between = self._beams.take((self._beams.ints[NODE] == ROOT).nonzero()[0])
        ended = self._ended()
        if self._fusion.boundary:  # the end of the text is a boundary, too
            ended = self._bounded(ended)
        beams = Beams.join([between, ended])
        if not beams.ints.size:  # all are within words: leave these unfinished
            beams = self._beams
        ints, floats = beams.ints, beams.floats
        lm_log_probs, scores = floats[LM], floats[TOTAL] + floats[SETTLED]
        if is_end:
            end_log_probs, gains = self._fusion.end_texts(ints[LM_STATE])
            lm_log_probs, scores = lm_log_probs + end_log_probs, scores + gains
        labels, words = walk(np.concatenate(self._trace, axis=1), ints[TRACE])
        for before, last in zip(words, ints[WORD].tolist(), strict=True):
            before.append(last)
        columns = (values.tolist() for values in (floats[TOTAL], lm_log_probs, scores))
        paths = zip(labels, words, ints[HASH].tolist(), *columns, strict=True)
        return [Path(*values) for values in paths]
