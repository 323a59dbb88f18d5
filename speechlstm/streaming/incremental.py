"""A segment of a stream whose samples a unidirectional network processes once."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from speechlstm.streaming.segment import OpenSegment
from speechlstm.text.alphabet import BLANK
from speechlstm.transcript import Hypothesis


class IncrementalSegment(OpenSegment):
    """A segment whose samples a unidirectional network processes once, with a state between runs.

    The outputs are final as soon as they come, and the search passes each of them once. When the
    segment ends at a pause, the network is given the end, so that the final words are those of the
    segment as a recording, and the next segment begins with an empty state. When it is cut since it
    is too long, the next one continues with the state and with the outputs after the cut.
    """

    def _begin(self) -> None:
        self._utterance = self._model.streaming_utterance()

    @property
    def is_settled(self) -> bool:
        """Never: the samples since the last run are quickly processed."""
        return False

    def process(self, end: int) -> None:
        """Compute the output for the samples before `end`, as far as it is final."""
        if end > self.end:
            self._add(self._utterance.process(self._buffer.read(self.end, end)), end)

    def settle(self, end: int, cut: int | None = None) -> None:
        """As process."""
        self.process(end)

    def best_cut(self, limit: int) -> int:
        """The middle of the longest run of blanks in the second half: see OpenSegment."""
        first, last = limit // self._hop // 2, limit // self._hop
        labels = self._outputs[first:last].argmax(axis=1)
        edges = np.flatnonzero(np.diff(labels != BLANK, prepend=True, append=True))
        runs = list(pairwise(edges.tolist()))[::2]
        start, stop = max(runs, key=lambda run: run[1] - run[0], default=(len(labels),) * 2)
        return self.start + (first + (start + stop) // 2) * self._hop

    def following(self, start: int) -> OpenSegment:
        """See OpenSegment."""
        other = IncrementalSegment(self._model, self._decoder, self._buffer, start, self._rejects)
        if start < self.end:
            other._utterance = self._utterance
            other._add(self._outputs[round((start - self.start) / self._hop) :], self.end)
        return other

    def decode(self, end: int) -> list[Hypothesis]:
        """See OpenSegment."""
        if end < self.end:  # the search has passed frames after the cut
            self._decoding = self._decoder.incremental()
        else:
            self._add(self._utterance.finish(), end)
        return super().decode(end)

    def _add(self, outputs: NDArray[np.float32], end: int) -> None:
        """Append outputs, after which the segment has been processed up to the sample `end`."""
        self._outputs = np.concatenate((self._outputs, outputs))
        self.end = end
        self._find_speech_end()
        self._num_drafted = len(self._outputs)
        self._decoding.settle(self._outputs, self._num_drafted, self._num_drafted)
