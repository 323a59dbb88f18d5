"""CTC prefix beam search, all hypotheses of a frame at once.

Hannun et al., First-pass large vocabulary continuous speech recognition using bi-directional
recurrent DNNs, 2014 (arXiv:1408.2873). Here hypotheses are columns of two arrays, equal ones are
found by rolling hashes of their labels, and words are scored ahead of their ends (Ortmanns et al.,
Language-model look-ahead for large vocabulary speech recognition, ICSLP 1996).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speechlstm.alphabet import BLANK
from speechlstm.config import DecodeConfig
from speechlstm.decoding.fusion import NO_WORD, ROOT, Floats, Integers, LMMemo, WordFusion

# Rows of Beams.ints: the hash of the labels (and words, where labels do not tell them), the hash
# they had before the last label, that label, the node of the lexicon's tree, labels since the last
# word, states of language model and hot words, the last label's entry in the trace, the word that
# ended after it.
_HASH, _PARENT, _LAST, _NODE, _LENGTH, _LM_STATE, _HOT_STATE, _TRACE, _WORD = range(9)

# Rows of Beams.floats, all natural logarithms: the probability of all paths so far, of those that
# end in a blank, of those that end in the last label; what words and hot words have added to the
# score, the same with what the unfinished word promises; the language model's log-probability.
_TOTAL, _BLANK, _LABEL, _SETTLED, _BONUS, _LM = range(6)

_MULTIPLIER = -0x61C8864680B583EB  # odd, of random bits


@dataclass(frozen=True)
class Beams:
    """Hypotheses, one a column; the rows are named above."""

    ints: Integers
    floats: Floats

    @staticmethod
    def join(parts: "list[Beams]") -> "Beams":
        """All hypotheses of several."""
        return Beams(
            np.concatenate([part.ints for part in parts], axis=1),
            np.concatenate([part.floats for part in parts], axis=1),
        )

    def take(self, columns: Integers) -> "Beams":
        """Some of them, as new arrays."""
        return Beams(self.ints.take(columns, axis=1), self.floats.take(columns, axis=1))


@dataclass(frozen=True)
class Path:
    """A hypothesis at the end of a search.

    Attributes:
        labels: Without repeats and blanks; a boundary may follow the last word.
        words: (len(labels) + 1,): the word of the lexicon that ends before each label, and at the
            end; NO_WORD where none does.
        log_prob: Of all paths that were kept.
        lm_log_prob: Of the words and the end of the text.
        score: What hypotheses are ranked by.
    """

    labels: list[int]
    words: list[int]
    log_prob: float
    lm_log_prob: float
    score: float


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
        self._log_probs = log_probs.astype(np.float64)
        self._memo = LMMemo(fusion.lm)
        num_labels = log_probs.shape[1]
        codes = np.asarray(np.random.PCG64(0).random_raw(num_labels))
        self._codes = codes.view(np.int64)
        self._columns = np.full(num_labels, -1)
        self._trace = [np.zeros((3, 1), np.int64)]  # (entry before, label, word ended before it)
        self._trace_size = 1
        self._boundary = np.array([fusion.boundary])
        ints, floats = np.zeros((9, 1), np.int64), np.zeros((6, 1))
        ints[_LAST], ints[_WORD] = fusion.boundary, NO_WORD
        ints[_LM_STATE], ints[_HOT_STATE] = fusion.lm_start_state, fusion.hot_start_state
        floats[_LABEL] = -np.inf
        self._beams = Beams(ints, floats)

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
            if blanks:
                self._pass_blanks(blanks)
                blanks = 0.0
            self._pass_frame(frame, labels[bounds[t] : bounds[t + 1]], ends_words[t])
        self._pass_blanks(blanks)
        return self._paths()

    def _active_labels(self) -> NDArray[np.bool_]:
        """Which labels of which frames are worth trying, (num_frames, num_labels)."""
        is_active = self._log_probs >= self._config.min_label_log_prob
        is_active[np.arange(len(is_active)), self._log_probs.argmax(axis=1)] = True
        is_active[:, BLANK] = False
        return is_active

    def _pass_blanks(self, log_prob: float) -> None:
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
        beams, size = self._beams, self._beams.floats.shape[1]
        total, label = beams.floats[_TOTAL], beams.floats[_LABEL]
        if ends_words:  # of boundaries one after the other, all but the first are silence
            label = np.where(beams.ints[_NODE] == ROOT, total, label)
        label = label + frame[beams.ints[_LAST]]
        blank = total + frame[BLANK]
        if not (len(labels) or ends_words):
            beams.floats[_TOTAL] = np.logaddexp(blank, label)
            beams.floats[_BLANK], beams.floats[_LABEL] = blank, label
            return
        groups = [(beams, labels)]
        if ends_words:
            groups.append((self._ended(), self._boundary))
        elif not (self._fusion.boundary or self._fusion.is_open):
            groups.append((self._ended(), labels))
        longer = [self._longer(*group, frame, label) for group in groups]
        total = np.logaddexp(blank, label)
        stays = total + beams.floats[_BONUS]

        sources = beams if len(groups) == 1 else Beams.join([group[0] for group in groups])
        source, new_labels, log_probs = self._promising(groups, longer, stays)
        lengths = sources.ints[_LENGTH, source] + 1
        nodes, hot_states, gains, promises = self._fusion.spell(
            sources.ints[_NODE, source], lengths, sources.ints[_HOT_STATE, source], new_labels
        )
        settled = sources.floats[_SETTLED, source] + gains
        bonuses = settled + promises
        chosen = self._best(np.concatenate((stays, log_probs + bonuses)))
        kept = chosen[: chosen.searchsorted(size)]
        new = chosen[len(kept) :] - size

        self._beams = sources.take(np.concatenate((kept, source[new])))
        ints, floats = self._beams.ints, self._beams.floats
        floats[_TOTAL, : len(kept)] = total[kept]
        floats[_BLANK, : len(kept)] = blank[kept]
        floats[_LABEL, : len(kept)] = label[kept]
        floats[_TOTAL, len(kept) :] = floats[_LABEL, len(kept) :] = log_probs[new]
        floats[_BLANK, len(kept) :] = -np.inf
        floats[_SETTLED, len(kept) :] = settled[new]
        floats[_BONUS, len(kept) :] = bonuses[new]
        ints = ints[:, len(kept) :]
        new_labels = new_labels[new]
        ints[_PARENT] = ints[_HASH]
        ints[_HASH] = ints[_HASH] * _MULTIPLIER + self._codes[new_labels]
        ints[_LAST], ints[_NODE], ints[_LENGTH] = new_labels, nodes[new], lengths[new]
        ints[_HOT_STATE] = hot_states[new]
        self._trace.append(ints[[_TRACE, _LAST, _WORD]])
        ints[_TRACE] = np.arange(self._trace_size, self._trace_size + len(new))
        self._trace_size += len(new)
        ints[_WORD] = NO_WORD

    def _ended(self, at_end: bool = False) -> Beams:
        """The hypotheses with the words ended in which they stand, in all ways.

        Args:
            at_end: Whether no label follows: the end of the text is a boundary too.
        """
        ints, floats = self._beams.ints, self._beams.floats
        ended = self._fusion.end_words(
            ints[_NODE], ints[_LENGTH], ints[_LM_STATE], ints[_HOT_STATE], self._memo
        )
        beams = self._beams.take(ended.source)
        ints, floats = beams.ints, beams.floats
        ints[_NODE], ints[_WORD] = ROOT, ended.words
        ints[_LENGTH] = -1 if self._fusion.boundary else 0  # which is no label of the next word
        ints[_LM_STATE], ints[_HOT_STATE] = ended.lm_states, ended.hot_states
        if not self._fusion.is_open:  # labels alone do not tell which words they are
            ints[_HASH] = (ints[_HASH] + 1 + ended.words) * _MULTIPLIER
        floats[_SETTLED] += ended.gains
        floats[_BONUS] = floats[_SETTLED]
        floats[_LM] += ended.lm_log_probs
        if at_end and self._fusion.boundary:
            labels = np.full(len(ended.source), self._fusion.boundary)
            _, ints[_HOT_STATE], gains, _ = self._fusion.spell(
                ints[_NODE], ints[_LENGTH], ints[_HOT_STATE], labels
            )
            floats[_SETTLED] += gains
        return beams

    def _longer(
        self, sources: Beams, labels: Integers, frame: Floats, label: Floats
    ) -> NDArray[np.float64]:
        """Log-probability of each source with each label, (num_sources, num_labels).

        What is one of the hypotheses already is added to its `label`, and -inf here.
        """
        ints, floats = sources.ints, sources.floats
        # After the same label, only paths that end in a blank emit it once more.
        repeats = ints[_LAST][:, np.newaxis] == labels
        log_probs: NDArray[np.float64] = np.where(
            repeats, floats[_BLANK][:, np.newaxis], floats[_TOTAL][:, np.newaxis]
        )
        log_probs += frame[labels]
        if not log_probs.size:
            return log_probs
        hashes, beams = ints[_HASH], self._beams.ints
        order = hashes.argsort()
        parents = order.take(hashes[order].searchsorted(beams[_PARENT]), mode="clip")
        self._columns[labels] = np.arange(len(labels))
        columns = self._columns[beams[_LAST]]
        self._columns[labels] = -1
        found = ((hashes[parents] == beams[_PARENT]) & (columns >= 0)).nonzero()[0]
        if found.size:
            where = parents[found], columns[found]
            label[found] = np.logaddexp(label[found], log_probs[where])
            log_probs[where] = -np.inf
        return log_probs

    def _promising(
        self,
        groups: list[tuple[Beams, Integers]],
        longer: list[NDArray[np.float64]],
        stays: Floats,
    ) -> tuple[Integers, Integers, Floats]:
        """Source, label and log-probability of what is not too far below the best."""
        scores = [
            m + g[0].floats[_BONUS][:, np.newaxis] for m, g in zip(longer, groups, strict=True)
        ]
        best = max(float(m.max(initial=-np.inf)) for m in (stays, *scores))
        offset, found = 0, []
        for (sources, labels), log_probs, score in zip(groups, longer, scores, strict=True):
            rows, columns = (score >= best - self._config.max_score_gap).nonzero()
            found.append((rows + offset, labels[columns], log_probs[rows, columns]))
            offset += len(sources.ints[0])
        if len(found) == 1:
            return found[0]
        parts = [np.concatenate(part) for part in zip(*found, strict=True)]
        return parts[0], parts[1], parts[2]

    def _best(self, scores: Floats) -> Integers:
        """Indices, rising, of the best scores; of equal ones the first."""
        chosen: Integers = (scores >= scores.max() - self._config.max_score_gap).nonzero()[0]
        width = self._config.beam_width
        if len(chosen) > width:
            close = scores[chosen]
            chosen = chosen[close >= np.partition(close, -width)[-width]]
            if len(chosen) > width:
                chosen = np.sort(chosen[np.argsort(-scores[chosen], kind="stable")[:width]])
        return chosen

    def _paths(self) -> list[Path]:
        """What is left, with the last words ended."""
        between = self._beams.take((self._beams.ints[_NODE] == ROOT).nonzero()[0])
        beams = Beams.join([between, self._ended(at_end=True)])
        if not beams.ints.size:  # all stand within words of the lexicon: let these be cut off
            beams = self._beams
        ints, floats = beams.ints, beams.floats
        lm_log_probs, gains = self._fusion.end_texts(ints[_LM_STATE], ints[_HOT_STATE])
        scores = floats[_TOTAL] + floats[_SETTLED] + gains
        trace = np.concatenate(self._trace, axis=1).tolist()
        return [
            Path(*_trace_back(trace, entry, word), log_prob, lm_log_prob, score)
            for entry, word, log_prob, lm_log_prob, score in zip(
                ints[_TRACE].tolist(),
                ints[_WORD].tolist(),
                floats[_TOTAL].tolist(),
                (floats[_LM] + lm_log_probs).tolist(),
                scores.tolist(),
                strict=True,
            )
        ]


def _trace_back(trace: list[list[int]], entry: int, last_word: int) -> tuple[list[int], list[int]]:
    """Labels and words that lead to an entry: see Path."""
    parents, labels, words = trace
    spelled, said = [], [last_word]
    while entry:
        spelled.append(labels[entry])
        said.append(words[entry])
        entry = parents[entry]
    return spelled[::-1], said[::-1]
