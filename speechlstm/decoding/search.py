"""CTC prefix beam search, all hypotheses of a frame at once.

Hannun et al., First-pass large vocabulary continuous speech recognition using bi-directional
recurrent DNNs, 2014 (arXiv:1408.2873). Here hypotheses are columns of two arrays, equal ones are
found by rolling hashes of their labels, and words are scored ahead of their ends (Ortmanns et al.,
Language-model look-ahead for large vocabulary speech recognition, ICSLP 1996).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from speechlstm.config import DecodeConfig
from speechlstm.decoding.fusion import NO_WORD, ROOT, Floats, Integers, WordFusion
from speechlstm.decoding.log_probs import LOG_ZERO, floored
from speechlstm.text.alphabet import BLANK

# Rows of Beams.ints: the hash of the labels (and words, where labels do not tell them), the node of
# the lexicon's tree, labels since the last word, states of language model and hot words, the last
# label's entry in the trace, that label, the word that has ended after it.
_HASH, _NODE, _LENGTH, _LM_STATE, _HOT_STATE, _TRACE, _LAST, _WORD = range(8)
_NUM_INTS = 8

# Rows of Beams.floats, all natural logarithms: the probability of all paths so far, of those that
# end in a blank, of those that end in the last label; what words and hot words have added to the
# score, the same with what the unfinished word promises; the language model's log-probability.
_TOTAL, _BLANK, _LABEL, _SETTLED, _BONUS, _LM = range(6)
_NUM_FLOATS = 6

_MULTIPLIER = -0x61C8864680B583EB  # odd, of random bits


class Beams:
    """Hypotheses, one a column.

    Args:
        rows: (_NUM_INTS + _NUM_FLOATS, num_beams) int64; the last ones hold the bits of floats, so
            that hypotheses are chosen and joined in one go.

    Attributes:
        ints: The rows that are named above, in the same memory.
        floats: The rows that are named above, in the same memory.
    """

    __slots__ = ("floats", "ints", "rows")

    def __init__(self, rows: Integers) -> None:
        self.rows, self.ints = rows, rows[:_NUM_INTS]
        self.floats: Floats = rows[_NUM_INTS:].view(np.float64)

    @staticmethod
    def join(parts: "list[Beams]") -> "Beams":
        """All hypotheses of several."""
        return Beams(np.concatenate([part.rows for part in parts], axis=1))

    def take(self, columns: Integers) -> "Beams":
        """Some of them, copied."""
        return Beams(self.rows.take(columns, axis=1))


@dataclass(frozen=True)
class Path:
    """A hypothesis at the end of a search.

    Attributes:
        trace: The search's: for each entry the one before it, its label, the word ended before it.
        entry: Of the last label; 0: there is none.
        last_word: The word of the lexicon that ends with the last label, or NO_WORD.
        hash: Equal where labels and words are, but for a boundary at the end.
        log_prob: Of all paths that were kept.
        lm_log_prob: Of the words and the end of the text.
        score: What hypotheses are ranked by.
    """

    trace: list[list[int]]
    entry: int
    last_word: int
    hash: int
    log_prob: float
    lm_log_prob: float
    score: float

    @cached_property
    def labels_and_words(self) -> tuple[list[int], list[int]]:
        """Labels without repeats and blanks; the word that ends before each, and at the end."""
        parents, all_labels, all_words = self.trace
        labels, words, entry = [], [self.last_word], self.entry
        while entry:
            labels.append(all_labels[entry])
            words.append(all_words[entry])
            entry = parents[entry]
        return labels[::-1], words[::-1]


class PrefixSearch:
    """The search through one utterance.

    Args:
        fusion: Scores words.
        config: How wide to search.
        log_probs: (num_frames, num_labels), natural logarithms, rows that sum to 1.
    """

    def __init__(
        self, fusion: WordFusion, config: DecodeConfig, log_probs: NDArray[np.float32]
    ) -> None:
        self._fusion, self._config = fusion, config
        self._log_probs = floored(log_probs).astype(np.float64)
        num_labels = log_probs.shape[1]
        codes = np.asarray(np.random.PCG64(0).random_raw(num_labels))
        self._codes = codes.view(np.int64)
        self._trace = [np.zeros((3, 1), np.int64)]  # (entry before, label, word ended before it)
        self._trace_size = 1
        self._boundary = np.array([fusion.boundary])
        self._beams = Beams(np.zeros((_NUM_INTS + _NUM_FLOATS, 1), np.int64))
        ints = self._beams.ints
        ints[_LAST], ints[_WORD] = fusion.boundary, NO_WORD
        ints[_LM_STATE], ints[_HOT_STATE] = fusion.lm_start_state, fusion.hot_start_state
        self._beams.floats[_LABEL] = -np.inf
        self._limit = -config.max_score_gap  # of the scores that count

    def run(self) -> list[Path]:
        """The hypotheses that are left after the last frame, in no certain order."""
        is_blank = (self._log_probs[:, BLANK] >= np.log(self._config.blank_skip)).tolist()
        is_active = self._active_labels()
        ends_words = is_active[:, self._fusion.boundary].tolist()
        is_active[:, self._fusion.boundary] = False
        labels = is_active.nonzero()[1]
        bounds = np.concatenate(([0], np.cumsum(is_active.sum(axis=1)))).tolist()
        blanks = 0.0  # log-probability of the blanks since the last frame that was searched
        for t, frame in enumerate(self._log_probs):
            if is_blank[t]:
                blanks += frame[BLANK]
                continue
            if t and is_blank[t - 1]:
                self._pass_blanks(blanks)
                blanks = 0.0
            self._pass_frame(frame, labels[bounds[t] : bounds[t + 1]], ends_words[t])
        self._pass_blanks(blanks)
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
        floats[_TOTAL] += log_prob
        floats[_BLANK] = floats[_TOTAL]
        floats[_LABEL] = -np.inf

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
        total, blank, label = floats[_TOTAL], floats[_BLANK], floats[_LABEL]
        if ends_words:  # of boundaries one after the other, all but the first are silence
            np.copyto(label, total, where=ints[_NODE] == ROOT)
        label += frame[ints[_LAST]]
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
                found.append(_grown(self._ended(beams), frame, labels, limit))
            found = [self._spelled(Beams.join(found) if len(found) > 1 else found[0])]
        if ends_words:
            scores = beams.floats[_TOTAL] + beams.floats[_BONUS] + frame[self._fusion.boundary]
            promising = (scores >= limit).nonzero()[0]
            if promising.size:
                ended = self._ended(beams.take(promising))
                found.append(self._bounded(_grown(ended, frame, self._boundary, limit)))
        if not found:
            return None
        return found[0] if len(found) == 1 else Beams.join(found)

    def _spelled(self, longer: Beams) -> Beams:
        """The same, with what the new label, no boundary, means for words and hot words."""
        ints, floats = longer.ints, longer.floats
        hashes, lengths, labels = ints[_HASH], ints[_LENGTH], ints[_LAST]
        hashes *= _MULTIPLIER
        hashes += self._codes[labels]
        lengths += 1
        ints[_NODE], promises = self._fusion.spell(ints[_NODE], lengths, labels)
        self._heat(longer)
        np.add(floats[_SETTLED], promises, out=floats[_BONUS])
        return longer

    def _bounded(self, ended: Beams) -> Beams:
        """The same, with what a boundary after ended words means."""
        ints = ended.ints
        ints[_HASH] = ints[_HASH] * _MULTIPLIER + self._codes[self._fusion.boundary]
        ints[_LAST] = self._fusion.boundary
        self._heat(ended)
        ended.floats[_BONUS] = ended.floats[_SETTLED]
        return ended

    def _heat(self, longer: Beams) -> None:
        """Add what the last label means for hot words that are sought by their spelling."""
        if self._fusion.spelled_hot_words:
            ints = longer.ints
            ints[_HOT_STATE], gains = self._fusion.spelled_hot_words.advance(
                ints[_HOT_STATE], ints[_LAST]
            )
            longer.floats[_SETTLED] += gains

    def _merge(self, longer: Beams, label: Floats) -> None:
        """What equals one of the hypotheses is added to its `label`, and is of no account then."""
        hashes = self._beams.ints[_HASH]
        order = hashes.argsort()
        places = hashes[order].searchsorted(longer.ints[_HASH])
        beams = order.take(places, mode="clip")
        same = (hashes[beams] == longer.ints[_HASH]).nonzero()[0]
        if same.size:
            beams = beams[same]
            label[beams] = np.logaddexp(label[beams], longer.floats[_TOTAL][same])
            longer.floats[_TOTAL, same] = -np.inf

    def _choose(self, beams: Beams, num_old: int) -> None:
        """Go on with the best hypotheses; those from num_old on have got a new label."""
        chosen = self._best(beams.floats[_TOTAL] + beams.floats[_BONUS])
        self._beams = beams.take(chosen)
        ints = self._beams.ints[:, int(chosen.searchsorted(num_old)) :]
        self._trace.append(ints[_TRACE : _WORD + 1].copy())
        size = self._trace_size + ints.shape[1]
        ints[_TRACE] = np.arange(self._trace_size, size)
        ints[_WORD] = NO_WORD
        self._trace_size = size

    def _ended(self, beams: Beams) -> Beams:
        """Hypotheses with the words ended in which they stand, in all ways.

        Those between words are left out.
        """
        ints = beams.ints
        ended = self._fusion.end_words(
            ints[_NODE], ints[_LENGTH], ints[_LM_STATE], ints[_HOT_STATE]
        )
        beams = beams.take(ended.source)
        ints, floats = beams.ints, beams.floats
        ints[_NODE], ints[_LENGTH], ints[_WORD] = ROOT, 0, ended.words
        ints[_LM_STATE], ints[_HOT_STATE] = ended.lm_states, ended.hot_states
        if not self._fusion.is_open:  # labels alone do not tell which words they are
            ints[_HASH] = (ints[_HASH] + 1 + ended.words) * _MULTIPLIER
        floats[_SETTLED] += ended.gains
        floats[_BONUS] = floats[_SETTLED]
        floats[_LM] += ended.lm_log_probs
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

    def _paths(self) -> list[Path]:
        """What is left, with the last words ended."""
        between = self._beams.take((self._beams.ints[_NODE] == ROOT).nonzero()[0])
        ended = self._ended(self._beams)
        if self._fusion.boundary:  # the end is one too
            ended = self._bounded(ended)
        beams = Beams.join([between, ended])
        if not beams.ints.size:  # all stand within words of the lexicon: let these be cut off
            beams = self._beams
        ints, floats = beams.ints, beams.floats
        lm_log_probs, gains = self._fusion.end_texts(ints[_LM_STATE], ints[_HOT_STATE])
        scores = floats[_TOTAL] + floats[_SETTLED] + gains
        trace = np.concatenate(self._trace, axis=1).tolist()
        columns = (
            *(ints[row].tolist() for row in (_TRACE, _WORD, _HASH)),
            *(values.tolist() for values in (floats[_TOTAL], floats[_LM] + lm_log_probs, scores)),
        )
        return [Path(trace, *values) for values in zip(*columns, strict=True)]


def _grown(beams: Beams, frame: Floats, labels: Integers, limit: float) -> Beams:
    """Each hypothesis with each label, unless its score is sure to fall below the limit."""
    scores = (beams.floats[_TOTAL] + beams.floats[_BONUS])[:, np.newaxis] + frame[labels]
    which, columns = (scores >= limit).nonzero()
    grown, new = beams.take(which), labels[columns]
    ints, floats = grown.ints, grown.floats
    # After an equal label, only the paths that end in a blank emit it once more.
    np.copyto(floats[_TOTAL], floats[_BLANK], where=ints[_LAST] == new)
    floats[_TOTAL] += frame[new]
    floats[_LABEL], floats[_BLANK] = floats[_TOTAL], -np.inf
    ints[_LAST] = new
    return grown
