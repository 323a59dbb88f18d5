"""The hypotheses of a search as columns of arrays, and what is left of them at its end."""

from dataclasses import dataclass

import numpy as np

from speechlstm.decoding.fusion import Floats, Integers

# Rows of Beams.ints: the hash of the labels (and words, where labels do not tell them), the node of
# the lexicon's tree, labels since the last word, states of language model and hot words, what
# Endings knows it by, the last label's entry in the trace, that label, the word that has ended
# after it.
HASH, NODE, LENGTH, LM_STATE, HOT_STATE, ENDING, TRACE, LAST, WORD = range(9)
NUM_INTS = 9

# Rows of Beams.floats, all natural logarithms: the probability of all paths so far, of those that
# end in a blank, of those that end in the last label; what words and hot words have added to the
# score, the same with what the unfinished word promises; the language model's log-probability.
TOTAL, IN_BLANK, IN_LABEL, SETTLED, BONUS, LM = range(6)
NUM_FLOATS = 6


class Beams:
    """Hypotheses, one a column.

    Args:
        rows: (NUM_INTS + NUM_FLOATS, num_beams) int64; the last ones hold the bits of floats, so
            that hypotheses are chosen and joined in one go.

    Attributes:
        ints: The rows that are named above, in the same memory.
        floats: The rows that are named above, in the same memory.
    """

    __slots__ = ("floats", "ints", "rows")

    def __init__(self, rows: Integers) -> None:
        self.rows, self.ints = rows, rows[:NUM_INTS]
        self.floats: Floats = rows[NUM_INTS:].view(np.float64)

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
        labels: Without repeats and blanks.
        words: The word of the lexicon that ends before each label, and at the end, or NO_WORD.
        hash: Equal where labels and words are, but for a boundary at the end.
        log_prob: Of all paths that were kept.
        lm_log_prob: Of the words and the end of the text.
        score: What hypotheses are ranked by.
    """

    labels: list[int]
    words: list[int]
    hash: int
    log_prob: float
    lm_log_prob: float
    score: float


def walk(trace: Integers, entries: Integers) -> tuple[list[list[int]], list[list[int]]]:
    """What was emitted on the way to some entries of a search's trace: labels, and words.

    Args:
        trace: (3, num_entries): the entry before each, its label, the word that ended before it.
        entries: Where to start; entry 0 is the beginning of all.
    """
    steps = [entries]  # all hypotheses at once, from the end to the beginning
    while steps[-1].any():
        steps.append(trace[0].take(steps[-1]))
    path = np.array(steps[:-1], np.int64).reshape(-1, len(entries))
    lengths = np.count_nonzero(path, axis=0).tolist()
    labels, words = (
        [row[:length][::-1].tolist() for row, length in zip(values[path].T, lengths, strict=True)]
        for values in trace[1:]
    )
    return labels, words
