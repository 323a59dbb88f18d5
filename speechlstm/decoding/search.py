"""CTC prefix beam search, all hypotheses of a frame at once.

Hannun et al., First-pass large vocabulary continuous speech recognition using bi-directional
recurrent DNNs, 2014 (arXiv:1408.2873). Here hypotheses are columns of two arrays, equal ones are
found by rolling hashes of their labels, and words are scored ahead of their ends (Ortmanns et al.,
Language-model look-ahead for large vocabulary speech recognition, ICSLP 1996).
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from speechlstm.config import DecodeConfig
from speechlstm.decoding.beams import (
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
    NUM_FLOATS,
    NUM_INTS,
    SETTLED,
    TOTAL,
    TRACE,
    WORD,
    Beams,
    Path,
    walk,
)
from speechlstm.decoding.detours import Detour
from speechlstm.decoding.endings import NOT_ASKED, Endings
from speechlstm.decoding.fusion import NO_WORD, ROOT, Floats, Integers, WordFusion
from speechlstm.decoding.log_probs import LOG_ZERO, floored
from speechlstm.text.alphabet import BLANK

_MULTIPLIER = -0x61C8864680B583EB  # odd, of random bits
_DETOUR = 0x2545F4914F6CDD1D  # in the hash of what has made one: it equals nothing that has not
_NUM_ON_DETOURS = 64  # hypotheses that may begin one, the best


class PrefixSearch:
    """The search through one utterance.

    Args:
        fusion: Scores words.
        config: How wide to search.
        log_probs: (num_frames, num_labels), natural logarithms, rows that sum to 1.
        detours: What hypotheses may also read.
    """

    def __init__(
        self,
        fusion: WordFusion,
        config: DecodeConfig,
        log_probs: NDArray[np.float32],
        detours: Sequence[Detour] = (),
    ) -> None:
        self._fusion, self._config, self._endings = fusion, config, Endings(fusion)
        self._log_probs = floored(log_probs).astype(np.float64)
        num_labels = log_probs.shape[1]
        codes = np.asarray(np.random.PCG64(0).random_raw(num_labels))
        self._codes = codes.view(np.int64)
        self._trace = [np.zeros((3, 1), np.int64)]  # (entry before, label, word ended before it)
        self._trace_size = 1
        self._boundary = np.array([fusion.boundary])
        self._beams = Beams(np.zeros((NUM_INTS + NUM_FLOATS, 1), np.int64))
        ints = self._beams.ints
        ints[LAST], ints[WORD], ints[ENDING] = fusion.boundary, NO_WORD, NOT_ASKED
        ints[LM_STATE], ints[HOT_STATE] = fusion.lm_start_state, fusion.hot_start_state
        self._beams.floats[IN_LABEL] = -np.inf
        self._limit = -config.max_score_gap  # of the scores that count
        self._starting: dict[int, list[Detour]] = defaultdict(list)  # by their first frames
        self._arriving: dict[int, list[Beams]] = defaultdict(list)  # by the frames they go on in
        for detour in detours:
            self._starting[detour.start].append(detour)

    def run(self) -> list[Path]:
        """The hypotheses that are left after the last frame, in no certain order."""
        is_blank = (self._log_probs[:, BLANK] >= np.log(self._config.blank_skip)).tolist()
        is_active = self._active_labels()
        ends_words = is_active[:, self._fusion.boundary].tolist()
        is_active[:, self._fusion.boundary] = False
        labels = is_active.nonzero()[1]
        bounds = np.concatenate(([0], np.cumsum(is_active.sum(axis=1)))).tolist()
        blanks: list[float] = []  # log-probabilities since the last frame that was searched
        for t, frame in enumerate(self._log_probs):
            if blanks and (not is_blank[t] or t in self._starting or t in self._arriving):
                self._pass_blanks(sum(blanks))
                blanks = []
            self._pass_detours(t)
            if is_blank[t]:
                blanks.append(frame[BLANK])
                continue
            self._pass_frame(frame, labels[bounds[t] : bounds[t + 1]], ends_words[t])
        if blanks:
            self._pass_blanks(sum(blanks))
        self._pass_detours(len(self._log_probs))
        return self._paths()

    def _active_labels(self) -> NDArray[np.bool_]:
        """Which labels of which frames are worth trying, (num_frames, num_labels)."""
        is_active = self._log_probs >= self._config.min_label_log_prob
        is_active &= self._log_probs > LOG_ZERO
        is_active[np.arange(len(is_active)), self._log_probs.argmax(axis=1)] = True
        is_active[:, BLANK] = False
        return is_active

    def _pass_blanks(self, log_prob: float) -> None:
        self._limit += log_prob
        floats = self._beams.floats
        floats[TOTAL] += log_prob
        floats[IN_BLANK] = floats[TOTAL]
        floats[IN_LABEL] = -np.inf

    def _pass_frame(self, frame: Floats, labels: Integers, ends_words: bool) -> None:
        """Every hypothesis stays what it is or grows by a label; the best ones survive.

        Args:
            frame: Log-probability of each label.
            labels: Which to try, the boundary aside.
            ends_words: Whether to try the boundary.
        """
        beams, ints, floats = self._beams, self._beams.ints, self._beams.floats
        limit = self._limit + frame[BLANK]  # all that stay reach it
        longer = self._longer(frame, labels, ends_words, limit)
        total, blank, label = floats[TOTAL], floats[IN_BLANK], floats[IN_LABEL]
        if ends_words:  # of boundaries one after the other, all but the first are silence
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
        """The hypotheses that grow by a label and may be among the best.

        Args:
            frame: As for _pass_frame.
            labels: As for _pass_frame.
            ends_words: As for _pass_frame.
            limit: The least score, with what the words promised before: they promise ever less.
        """
        beams, found = self._beams, []
        if len(labels):
            found.append(_grown(beams, frame, labels, limit))
            if not (self._fusion.boundary or self._fusion.is_open):
                found.append(_grown(self._ended(), frame, labels, limit))
            found = [self._spelled(Beams.join(found) if len(found) > 1 else found[0])]
        if ends_words:
            scores = beams.floats[TOTAL] + beams.floats[BONUS] + frame[self._fusion.boundary]
            promising = (scores >= limit).nonzero()[0]
            if promising.size:
                ended = self._ended(promising)
                found.append(self._bounded(_grown(ended, frame, self._boundary, limit)))
        if not found:
            return None
        return found[0] if len(found) == 1 else Beams.join(found)

    def _spelled(self, longer: Beams) -> Beams:
        """The same, with what the new label, no boundary, means for words and hot words."""
        ints, floats = longer.ints, longer.floats
        hashes, lengths, labels = ints[HASH], ints[LENGTH], ints[LAST]
        hashes *= _MULTIPLIER
        hashes += self._codes[labels]
        lengths += 1
        ints[NODE], promises = self._fusion.spell(ints[NODE], lengths, labels)
        self._add_hot_gains(longer)
        np.add(floats[SETTLED], promises, out=floats[BONUS])
        return longer

    def _bounded(self, ended: Beams) -> Beams:
        """The same, with what a boundary after ended words means."""
        ints = ended.ints
        ints[HASH] = ints[HASH] * _MULTIPLIER + self._codes[self._fusion.boundary]
        ints[LAST] = self._fusion.boundary
        self._add_hot_gains(ended)
        ended.floats[BONUS] = ended.floats[SETTLED]
        return ended

    def _add_hot_gains(self, longer: Beams) -> None:
        """Add what the last label means for hot words that are sought by their spelling."""
        if self._fusion.spelled_hot_words:
            ints = longer.ints
            ints[HOT_STATE], gains = self._fusion.spelled_hot_words.advance(
                ints[HOT_STATE], ints[LAST]
            )
            longer.floats[SETTLED] += gains

    def _merge(self, longer: Beams, label: Floats) -> None:
        """What equals one of the hypotheses is added to its `label`, and is of no account then."""
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
        """Go on with the best hypotheses; those from num_old on have got a new label."""
        chosen = self._best(beams.floats[TOTAL] + beams.floats[BONUS])
        self._beams = beams.take(chosen)
        self._record(self._beams.ints[:, int(chosen.searchsorted(num_old)) :])

    def _record(self, ints: Integers) -> None:
        """Keep in the trace what hypotheses have emitted last."""
        self._trace.append(ints[TRACE : WORD + 1].copy())
        size = self._trace_size + ints.shape[1]
        ints[TRACE] = np.arange(self._trace_size, size)
        ints[WORD] = NO_WORD
        self._trace_size = size

    def _ended(self, columns: Integers | None = None) -> Beams:
        """The hypotheses, or some of them, with the words ended in which they stand, in all ways.

        Those between words are left out.
        """
        ended = self._endings.of(self._beams, columns)
        beams = self._beams.take(ended.source)
        ints, floats = beams.ints, beams.floats
        ints[NODE], ints[LENGTH], ints[WORD], ints[ENDING] = ROOT, 0, ended.words, NOT_ASKED
        ints[LM_STATE], ints[HOT_STATE] = ended.lm_states, ended.hot_states
        if not self._fusion.is_open:  # labels alone do not tell which words they are
            ints[HASH] = (ints[HASH] + 1 + ended.words) * _MULTIPLIER
        floats[SETTLED] += ended.gains
        floats[BONUS] = floats[SETTLED]
        floats[LM] += ended.lm_log_probs
        return beams

    def _best(self, scores: Floats) -> Integers:
        """Indices, rising, of the best scores; of equal ones the first."""
        limit, width = scores.max() - self._config.max_score_gap, self._config.beam_width
        if len(scores) > width:
            ranked = scores.copy()
            ranked.partition(-width)
            limit = max(limit, ranked[-width])
        self._limit = limit
        chosen: Integers = (scores >= limit).nonzero()[0]
        if len(chosen) > width:
            chosen = np.sort(chosen[np.argsort(-scores[chosen], kind="stable")[:width]])
        return chosen

    def _pass_detours(self, t: int) -> None:
        """Hypotheses whose detours end before a frame are back, others set off on those there."""
        if t in self._arriving:
            self._beams = Beams.join([self._beams, *self._arriving[t]])
        for detour in self._starting.get(t, ()):
            gone = self._between_words()
            if gone.ints.size:
                self._arriving[detour.stop].append(self._detoured(gone, detour))

    def _between_words(self) -> Beams:
        """The best hypotheses that may begin a phrase: their words are ended."""
        if self._fusion.is_open and not self._fusion.boundary:
            beams = self._beams  # a phrase may begin anywhere
        else:
            between = self._beams.take((self._beams.ints[NODE] == ROOT).nonzero()[0])
            ended = self._ended()
            if self._fusion.boundary:
                ended = self._bounded(ended)
                self._record(ended.ints)
            beams = _distinct(Beams.join([between, ended]))
        scores = beams.floats[TOTAL] + beams.floats[SETTLED]
        return beams.take(np.argsort(-scores, kind="stable")[:_NUM_ON_DETOURS])

    def _detoured(self, beams: Beams, detour: Detour) -> Beams:
        """The hypotheses after they have read a detour's phrase in its frames."""
        ints, floats = beams.ints, beams.floats
        # After an equal label, only the paths that end in a blank emit it once more.
        np.copyto(floats[TOTAL], floats[IN_BLANK], where=ints[LAST] == detour.labels[0])
        floats[TOTAL] += detour.log_prob
        floats[IN_LABEL], floats[IN_BLANK] = floats[TOTAL], -np.inf
        for label, word in zip(detour.labels, detour.ended, strict=True):
            ints[LAST], ints[WORD] = label, word if word != NO_WORD else ints[WORD]
            ints[HASH] = (ints[HASH] + word) * _MULTIPLIER + self._codes[label]
            self._record(ints)
        ints[WORD] = detour.last
        ints[HASH] = (ints[HASH] + detour.last) * _MULTIPLIER + _DETOUR
        promises = np.zeros(ints.shape[1])
        if self._fusion.is_open and not self._fusion.boundary:  # it goes on within the word
            for label in detour.labels:
                ints[LENGTH] += 1
                new = np.full(ints.shape[1], label)
                ints[NODE], promises = self._fusion.spell(ints[NODE], ints[LENGTH], new)
        else:
            ints[LM_STATE], lm_log_probs, gains = self._fusion.say(ints[LM_STATE], detour.words)
            floats[LM] += lm_log_probs
            floats[SETTLED] += gains
        ints[HOT_STATE], ints[ENDING] = self._fusion.hot_start_state, NOT_ASKED
        floats[SETTLED] += detour.gain
        floats[BONUS] = floats[SETTLED] + promises
        return beams.take((floats[TOTAL] > -np.inf).nonzero()[0])

    def _paths(self) -> list[Path]:
        """What is left, with the last words ended."""
        between = self._beams.take((self._beams.ints[NODE] == ROOT).nonzero()[0])
        ended = self._ended()
        if self._fusion.boundary:  # the end is one too
            ended = self._bounded(ended)
        beams = Beams.join([between, ended])
        if not beams.ints.size:  # all stand within words of the lexicon: let these be cut off
            beams = self._beams
        ints, floats = beams.ints, beams.floats
        lm_log_probs, gains = self._fusion.end_texts(ints[LM_STATE])
        scores = floats[TOTAL] + floats[SETTLED] + gains
        labels, words = walk(np.concatenate(self._trace, axis=1), ints[TRACE])
        for before, last in zip(words, ints[WORD].tolist(), strict=True):
            before.append(last)
        columns = (values.tolist() for values in (floats[TOTAL], floats[LM] + lm_log_probs, scores))
        paths = zip(labels, words, ints[HASH].tolist(), *columns, strict=True)
        return [Path(*values) for values in paths]


def _distinct(beams: Beams) -> Beams:
    """Each hypothesis once, with the probability of all that equal it."""
    _, first, which = np.unique(beams.ints[HASH], return_index=True, return_inverse=True)
    totals, in_blanks = np.full((2, len(first)), -np.inf)
    np.logaddexp.at(totals, which, beams.floats[TOTAL])
    np.logaddexp.at(in_blanks, which, beams.floats[IN_BLANK])
    beams = beams.take(first)
    beams.floats[TOTAL], beams.floats[IN_BLANK] = totals, in_blanks
    return beams


def _grown(beams: Beams, frame: Floats, labels: Integers, limit: float) -> Beams:
    """Each hypothesis with each label, unless its score is sure to fall below the limit."""
    scores = (beams.floats[TOTAL] + beams.floats[BONUS])[:, np.newaxis] + frame[labels]
    which, columns = (scores >= limit).nonzero()
    grown, new = beams.take(which), labels[columns]
    ints, floats = grown.ints, grown.floats
    # After an equal label, only the paths that end in a blank emit it once more.
    np.copyto(floats[TOTAL], floats[IN_BLANK], where=ints[LAST] == new)
    floats[TOTAL] += frame[new]
    floats[IN_LABEL], floats[IN_BLANK] = floats[TOTAL], -np.inf
    ints[LAST], ints[ENDING] = new, NOT_ASKED
    return grown
