"""The hypotheses of a search as columns of arrays, and what is left of them at its end."""

from dataclasses import dataclass
from functools import cached_property

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
