"""Windows over the words of a recording, in each of which one speaker is to be heard."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from speechlstm.transcript import Word

WINDOW_SECONDS, STEP_SECONDS = 1.5, 0.75
PAUSE_SECONDS = 0.3  # a longer pause between words ends a stretch of speech: a turn may end there
LEAST_SECONDS = 0.4  # shorter stretches say little of a voice


@dataclass(frozen=True)
class Window:
    """A window and the voice in it.

    Attributes:
        start: Seconds from the start of the recording, or of the segment.
        end: In seconds, likewise.
        embedding: (embedding_size,) float32: windows of one speaker have a high cosine.
    """

    start: float
    end: float
    embedding: NDArray[np.float32]

    def later(self, seconds: float) -> "Window":
        """The window with its times moved, from those of a segment to those of the recording."""
        return replace(self, start=self.start + seconds, end=self.end + seconds)


def spans(words: Sequence[Word]) -> Iterator[tuple[float, float]]:
    """The start and end of each window, in seconds: every STEP_SECONDS over stretches of speech.

    >>> words = [Word("a", 0.0, 1.2, 1), Word("b", 1.3, 3.0, 1), Word("c", 5.0, 5.5, 1)]
    >>> list(spans(words))
    [(0.0, 1.5), (0.75, 2.25), (1.5, 3.0), (5.0, 5.5)]
    """
    for start, end in _stretches(words):
        room = end - start - WINDOW_SECONDS
        if room <= 0:
            if end - start >= LEAST_SECONDS:
                yield start, end
            continue
        num_steps = max(1, round(room / STEP_SECONDS))
        for index in range(num_steps + 1):
            at = start + room * index / num_steps
            yield at, at + WINDOW_SECONDS


def _stretches(words: Sequence[Word]) -> Iterator[tuple[float, float]]:
    """The start and end of words without a pause between them."""
    if not words:
        return
    start, end = words[0].start, words[0].end
    for word in words[1:]:
        if word.start - end > PAUSE_SECONDS:
            yield start, end
            start = word.start
        end = max(end, word.end)
    yield start, end
