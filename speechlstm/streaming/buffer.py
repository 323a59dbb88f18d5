"""The last samples of a stream."""

import numpy as np
from numpy.typing import NDArray


class SampleBuffer:
    """The samples of a stream, of which old ones are forgotten.

    >>> buffer = SampleBuffer()
    >>> buffer.append(np.array([0.0, 0.1, 0.2], np.float32))
    >>> buffer.forget(1)
    >>> buffer.read(1, 3).tolist() == np.array([0.1, 0.2], np.float32).tolist()
    True

    Attributes:
        start: The first sample that is kept, counted from the start of the stream.
        end: The number of samples that have come.
    """

    def __init__(self) -> None:
        self.start = self.end = 0
        self._kept = np.empty(0, np.float32)
        self._new: list[NDArray[np.float32]] = []  # joined when read, which small blocks rarely are

    def append(self, samples: NDArray[np.float32]) -> None:
        """Add the next samples."""
        self._new.append(samples)
        self.end += len(samples)

    def read(self, start: int, end: int) -> NDArray[np.float32]:
        """The samples from start to end, which must be kept."""
        if self._new:
            self._kept = np.concatenate((self._kept, *self._new))
            self._new = []
        return self._kept[start - self.start : end - self.start]

    def forget(self, end: int) -> None:
        """Keep only the samples from `end` on."""
        if end > self.start:
            self._kept = self.read(end, self.end).copy()
            self.start = end
