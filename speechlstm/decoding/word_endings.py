"""Caches the results of ending words, which many frames need again."""

import numpy as np

from speechlstm.decoding.fusion import EndedWords, Integers, WordFusion
from speechlstm.decoding.lm_memory import LMMemory
from speechlstm.decoding.search_state import (
    ENDING,
    HOT_STATE,
    LENGTH,
    LM_STATE,
    NODE,
    NOT_QUERIED,
    Beams,
)

# Rows of the table: word, states of language model and hot words; natural logarithms.
_WORD, _LM_STATE, _HOT_STATE, _LM_LOG_PROB, _GAIN = range(5)
_NUM_INTS = 3
_NUM_ROWS = 5


class Endings:
    """The words in which the hypotheses of a search can end.

    A hypothesis at the end of a word stays there for several frames, and in each of them another
    hypothesis may continue from it. The language model's result for the word is the same in all of
    them, so it is queried once. (Queried in each frame, it was queried four times as often, and
    decoding read speech took 1.4 times as long.)
    """

    def __init__(self, fusion: WordFusion) -> None:
        self._fusion = fusion
        self._table = np.empty((_NUM_ROWS, 1024), np.int64)
        self._starts = np.zeros(1024, np.int64)  # of each queried hypothesis, in the table
        self._num_queried = 0
        self._lm = LMMemory(fusion.lm)

    def of(self, beams: Beams, columns: Integers | None = None) -> EndedWords:
        """All ways to end the words of hypotheses.

        Args:
            beams: The hypotheses; their row ENDING is filled in.
            columns: The columns of some of them, ascending; None: all.

        Returns:
            As WordFusion.end_words; source refers to beams.
        """
        numbers = beams.ints[ENDING] if columns is None else beams.ints[ENDING, columns]
        new = (numbers == NOT_QUERIED).nonzero()[0]
        if new.size:
            numbers[new] = np.arange(self._num_queried, self._num_queried + new.size)
            self._query(beams, new if columns is None else columns[new])
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

    def _query(self, beams: Beams, columns: Integers) -> None:
        """Append the results of ending the words of some hypotheses to the table."""
        ints = beams.ints[:, columns]
        ended = self._fusion.end_words(
            ints[NODE], ints[LENGTH], ints[LM_STATE], ints[HOT_STATE], self._lm.advance
        )
        first = int(self._starts[self._num_queried])
        ends = first + np.bincount(ended.source, minlength=len(columns)).cumsum()
        start, self._num_queried = self._num_queried, self._num_queried + len(columns)
        self._starts = _grown(self._starts, self._num_queried + 1)
        self._starts[start + 1 : self._num_queried + 1] = ends
        self._table = _grown(self._table, first + len(ended.source))
        new = self._table[:, first : first + len(ended.source)]
        new[_WORD], new[_LM_STATE], new[_HOT_STATE] = ended.words, ended.lm_states, ended.hot_states
        log_probs, gains = new[_NUM_INTS:].view(np.float64)
        log_probs[:], gains[:] = ended.lm_log_probs, ended.gains


def _grown(array: Integers, size: int) -> Integers:
    """The array, or a copy of at least twice the length if its last axis is too short."""
    if size <= array.shape[-1]:
        return array
    longer = np.empty((*array.shape[:-1], max(size, 2 * array.shape[-1])), array.dtype)
    longer[..., : array.shape[-1]] = array
    return longer
