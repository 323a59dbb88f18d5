"""From blocks of samples of any type and rate to mono samples at the rate of the model."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from speechlstm.audio import Audio
from speechlstm.audio.reading import Resampler
from speechlstm.audio.waveform import sample_rate_fault, whole_sample_rate
from speechlstm.errors import DataError


class Intake:
    """Converts the blocks of a stream.

    Args:
        source_rate: Of the blocks, in Hz.
        sample_rate: Of the result, in Hz.

    Attributes:
        seconds: How much has been taken in.

    Raises:
        ValueError: source_rate is out of range or no whole number.
    """

    def __init__(self, source_rate: int, sample_rate: int) -> None:
        self._source_rate = whole_sample_rate(source_rate)
        if fault := sample_rate_fault(self._source_rate):
            raise ValueError(fault)
        self._resampler = Resampler(self._source_rate, sample_rate)
        self._num_samples = 0

    @property
    def seconds(self) -> float:
        """The duration of all blocks so far."""
        return self._num_samples / self._source_rate

    def converted(self, block: ArrayLike) -> NDArray[np.float32]:
        """The samples that are complete after the next block; full scale is [-1, 1].

        Raises:
            DataError: Samples are not finite, or far beyond full scale. The block is left out.
            ValueError: The array has another shape or type than `Audio.from_array` takes.
        """
        array = np.asarray(block)
        if not array.size:
            return np.empty(0, np.float32)
        try:
            samples = Audio.from_array(array, self._source_rate).samples
        except ValueError as error:
            if array.dtype.kind == "f" and array.ndim in (1, 2):
                raise DataError(f"the stream at {self.seconds:.2f} s: {error}") from None
            raise
        self._num_samples += len(samples)
        return self._resampler.resampled(samples)

    def rest(self) -> NDArray[np.float32]:
        """The samples that are complete once there are no more blocks."""
        return self._resampler.flushed()
