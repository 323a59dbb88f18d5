"""The hypotheses of a search as columns of arrays, and operations on them."""

from dataclasses import dataclass

import numpy as np

from speechlstm.decoding.fusion import Floats, Integers

NOT_QUERIED = -1  # in the row ENDING: its word has not been queried yet

# Rows of Beams.ints: the hash of the labels (and of the words, if labels do not determine them),
# the node in the lexicon's tree, the number of labels since the last word, the states of language
# model and hot words, the index in Endings, the trace entry of the last label, the last label, and
# the word that has ended after it.
HASH, NODE, LENGTH, LM_STATE, HOT_STATE, ENDING, TRACE, LAST, WORD = range(9)
NUM_INTS = 9

# Rows of Beams.floats, all natural logarithms: the probability of all paths so far, of those that
# end in a blank, and of those that end in the last label; what words and hot words have added to
# the score; the same with the look-ahead of the unfinished word; the log-probability in the
# language model.
TOTAL, IN_BLANK, IN_LABEL, SETTLED, BONUS, LM = range(6)
NUM_FLOATS = 6


class Beams:
    """Hypotheses, one in each column.

    Args:
        rows: (NUM_INTS + NUM_FLOATS, num_beams) int64. The last rows have the bits of floats, so
            that all rows can be selected and joined at once.

    Attributes:
        ints: The integer rows, as a view.
        floats: The float rows, as a view.
    """

    __slots__ = ("floats", "ints", "rows")

    def __init__(self, rows: Integers) -> None:
        self.rows, self.ints = rows, rows[:NUM_INTS]
        self.floats: Floats = rows[NUM_INTS:].view(np.float64)

    @staticmethod
    def join(parts: "list[Beams]") -> "Beams":
        """The hypotheses of several Beams."""
        return Beams(np.concatenate([part.rows for part in parts], axis=1))

    def take(self, columns: Integers) -> "Beams":
        """A copy of some hypotheses."""
        return Beams(self.rows.take(columns, axis=1))


@dataclass(frozen=True)
class Path:
    """A hypothesis at the end of a search.

    Attributes:
        labels: The labels, without repeats and blanks.
        words: The word of the lexicon that ends before each label and at the end, or NO_WORD.
        hash: Equal if labels and words are equal, except for a boundary at the end.
        log_prob: Log-probability of all paths that were kept.
        lm_log_prob: Log-probability of the words and of the end of the text.
    """

    labels: list[int]
    words: list[int]
    hash: int
    log_prob: float
    lm_log_prob: float
    score: float


def distinct(beams: Beams) -> Beams:
    """Each hypothesis once, with the probability of all that are equal to it."""
    _, first, which = np.unique(beams.ints[HASH], return_index=True, return_inverse=True)
    totals, in_blanks = np.full((2, len(first)), -np.inf)
    np.logaddexp.at(totals, which, beams.floats[TOTAL])
    np.logaddexp.at(in_blanks, which, beams.floats[IN_BLANK])
    beams = beams.take(first)
    beams.floats[TOTAL], beams.floats[IN_BLANK] = totals, in_blanks
    return beams


def grown_by(beams: Beams, frame: Floats, labels: Integers, limit: float) -> Beams:
    """Each hypothesis with each label, unless its score would be below the limit."""
    scores = (beams.floats[TOTAL] + beams.floats[BONUS])[:, np.newaxis] + frame[labels]
    which, columns = (scores >= limit).nonzero()
    grown, new = beams.take(which), labels[columns]
    ints, floats = grown.ints, grown.floats
    # A label repeats the last one only in paths that end in a blank.
    np.copyto(floats[TOTAL], floats[IN_BLANK], where=ints[LAST] == new)
    floats[TOTAL] += frame[new]
    floats[IN_LABEL], floats[IN_BLANK] = floats[TOTAL], -np.inf
    ints[LAST], ints[ENDING] = new, NOT_QUERIED
    return grown


def select(scores: Floats, width: int, max_gap: float) -> tuple[Integers, float]:
    """The columns of the best scores, ascending, and the lowest score that counts.

    Args:
        scores: One for each column, at least one.
        width: The largest number of columns; of equal scores the first are selected.
        max_gap: How far a score may be below the best one.
    """
    limit = scores.max() - max_gap
    if len(scores) > width:
        ranked = scores.copy()
        ranked.partition(-width)
        limit = max(limit, ranked[-width])
    chosen: Integers = (scores >= limit).nonzero()[0]
    if len(chosen) > width:
        chosen = np.sort(chosen[np.argsort(-scores[chosen], kind="stable")[:width]])
    return chosen, limit


def walk(trace: Integers, entries: Integers) -> tuple[list[list[int]], list[list[int]]]:
    """The labels and the words on the paths to some entries of a search's trace.

    Args:
        trace: (3, num_entries): the previous entry, its label, and the word that ended before it.
        entries: The entries to start from; entry 0 is the root.
    """
    steps = [entries]  # of all hypotheses at once, from the end to the start
    while steps[-1].any():
        steps.append(trace[0].take(steps[-1]))
    path = np.array(steps[:-1], np.int64).reshape(-1, len(entries))
    lengths = np.count_nonzero(path, axis=0).tolist()
    labels, words = (
        [row[:length][::-1].tolist() for row, length in zip(values[path].T, lengths, strict=True)]
        for values in trace[1:]
    )
    return labels, words
