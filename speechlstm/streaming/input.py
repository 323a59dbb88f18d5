"""From blocks of samples of any type and rate to mono samples at the rate of the model."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from speechlstm.audio.channels import Mixer
from speechlstm.audio.reading import Resampler
from speechlstm.audio.waveform import sample_rate_fault, scaled, whole_sample_rate
from speechlstm.errors import DataError

_MIXED_SECONDS = 0.1  # of several channels are mixed at once, whatever the sizes of blocks
_MEMORY = 0.9  # of a Mixer: channels are compared over a second


class InputConverter:
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
        self._mixer = Mixer("the stream", _MEMORY)
        self._unmixed = np.empty((0, 1), np.float32)

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
            channels = scaled(block)
        except ValueError as error:
            if array.dtype.kind == "f" and array.ndim in (1, 2):
                raise DataError(f"the stream at {self.seconds:.2f} s: {error}") from None
            raise
        self._num_samples += len(channels)
        return self._resampled(self._mixed(channels))

    def rest(self) -> NDArray[np.float32]:
        """The samples that are complete once there are no more blocks."""
        last = self._resampled(self._mixed_rest()), self._resampler.flushed()
        return np.concatenate(last).clip(-1, 1)

    def _resampled(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.clip(self._resampler.resampled(np.clip(samples, -1, 1)), -1, 1)

    def _mixed(self, channels: NDArray[np.float32]) -> NDArray[np.float32]:
        """The mean of all channels, as far as there is enough to compare them."""
        before = np.empty(0, np.float32)
        if channels.shape[1] != self._unmixed.shape[1]:
            before, self._unmixed = self._mixed_rest(), channels[:0]
        if channels.shape[1] == 1:
            return np.concatenate((before, channels[:, 0]))
        channels = np.concatenate((self._unmixed, channels))
        size = round(_MIXED_SECONDS * self._source_rate)
        end = len(channels) // size * size
        self._unmixed = channels[end:]
        windows = (channels[start : start + size] for start in range(0, end, size))
        return np.concatenate((before, *map(self._mixer.mixed, windows)))

    def _mixed_rest(self) -> NDArray[np.float32]:
        rest, self._unmixed = self._unmixed, self._unmixed[:0]
        return self._mixer.mixed(rest) if len(rest) else np.empty(0, np.float32)
