"""What it means to end the words of hypotheses, asked once for each of them."""

import numpy as np

from speechlstm.decoding.beams import ENDING, HOT_STATE, LENGTH, LM_STATE, NODE, Beams
from speechlstm.decoding.fusion import EndedWords, Integers, WordFusion
from speechlstm.decoding.lm_memory import LMMemory

NOT_ASKED = -1  # in the row ENDING

# Rows of the table: word, states of language model and hot words; natural logarithms.
_WORD, _LM_STATE, _HOT_STATE, _LM_LOG_PROB, _GAIN = range(5)
_NUM_INTS = 3
_NUM_ROWS = 5


class Endings:
    """The words in which hypotheses of one search can end.

    A hypothesis at the end of a word of the lexicon stays there for some frames, and in each of
    them another one may go on from it. What the language model says of that word is the same in all
    of them. (Asked anew in each frame, it was asked four times as often, and decoding read speech
    took 1.4 times as long.)

    Args:
        fusion: Scores words.
    """

    def __init__(self, fusion: WordFusion) -> None:
        self._fusion = fusion
        self._table = np.empty((_NUM_ROWS, 1024), np.int64)
        self._starts = np.zeros(1024, np.int64)  # in the table, of each hypothesis that was asked
        self._num_asked = 0
        self._lm = LMMemory(fusion.lm)

    def of(self, beams: Beams, columns: Integers | None = None) -> EndedWords:
        """All ways to end the words in which hypotheses stand.

        Args:
            beams: The hypotheses; their row ENDING is filled.
            columns: Which of them, rising; None: all.

        Returns:
            As WordFusion.end_words; source refers to beams.
        """
        numbers = beams.ints[ENDING] if columns is None else beams.ints[ENDING, columns]
        new = (numbers == NOT_ASKED).nonzero()[0]
        if new.size:
            numbers[new] = np.arange(self._num_asked, self._num_asked + new.size)
            self._ask(beams, new if columns is None else columns[new])
            if columns is not None:
                beams.ints[ENDING, columns] = numbers
        starts = self._starts.take(numbers)
        counts = self._starts.take(numbers + 1) - starts
        source = np.repeat(np.arange(len(counts)), counts)
        skipped = np.cumsum(counts) - counts
        table = self._table.take(np.arange(len(source)) + (starts - skipped).take(source), axis=1)
        log_probs, gains = table[_NUM_INTS:].view(np.float64)
        return EndedWords(
            source if columns is None else columns.take(source),
            table[_WORD],
            table[_LM_STATE],
            log_probs,
            table[_HOT_STATE],
            gains,
        )

    def _ask(self, beams: Beams, columns: Integers) -> None:
        """Append what ending the words of some hypotheses means."""
        ints = beams.ints[:, columns]
        ended = self._fusion.end_words(
            ints[NODE], ints[LENGTH], ints[LM_STATE], ints[HOT_STATE], self._lm.advance
        )
        first = int(self._starts[self._num_asked])
        ends = first + np.bincount(ended.source, minlength=len(columns)).cumsum()
        start, self._num_asked = self._num_asked, self._num_asked + len(columns)
        self._starts = _grown(self._starts, self._num_asked + 1)
        self._starts[start + 1 : self._num_asked + 1] = ends
        self._table = _grown(self._table, first + len(ended.source))
        new = self._table[:, first : first + len(ended.source)]
        new[_WORD], new[_LM_STATE], new[_HOT_STATE] = ended.words, ended.lm_states, ended.hot_states
        log_probs, gains = new[_NUM_INTS:].view(np.float64)
        log_probs[:], gains[:] = ended.lm_log_probs, ended.gains


def _grown(array: Integers, size: int) -> Integers:
    """The same array, or, where its last axis is too short, a copy of twice the length or more."""
    if size <= array.shape[-1]:
        return array
    longer = np.empty((*array.shape[:-1], max(size, 2 * array.shape[-1])), array.dtype)
    longer[..., : array.shape[-1]] = array
    return longer
