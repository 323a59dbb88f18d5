"""Sound that comes block by block: what `Recognizer.stream` takes."""

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

_BLOCK_SECONDS = 0.1
_PIPE_BYTES = 1 << 16


@runtime_checkable
class BlockSource(Protocol):
    """Yields blocks of samples of one sample rate, such as a microphone."""

    @property
    def sample_rate(self) -> int:
        """Of the blocks, in Hz."""

    def __iter__(self) -> Iterator[ArrayLike]:
        """The blocks, each of any length and of a type that `Audio.from_array` takes.

        Raises:
            AudioError: The source fails; what it has yielded before remains valid.
        """


@dataclass(frozen=True)
class Blocks:
    """Blocks of samples with their rate.

    >>> Blocks([[0.0, 0.5], [0.25]], 16000).sample_rate
    16000

    Attributes:
        blocks: (num_samples,) or (num_samples, num_channels), as `Audio.from_array` takes them.
        sample_rate: In Hz.
    """

    blocks: Iterable[ArrayLike]
    sample_rate: int

    def __iter__(self) -> Iterator[ArrayLike]:
        """The blocks."""
        return iter(self.blocks)


@dataclass(frozen=True)
class RawPipe:
    """Samples without a header that come through a pipe: 16-bit little-endian PCM, mono.

    Attributes:
        file: The pipe, open for reading bytes.
        sample_rate: In Hz.
    """

    file: BinaryIO
    sample_rate: int

    def __iter__(self) -> Iterator[NDArray[np.int16]]:
        """Blocks of what has come, without waiting for more, until the pipe is closed."""
        rest = b""
        descriptor = self.file.fileno()
        while content := os.read(descriptor, _PIPE_BYTES):
            content = rest + content
            size = len(content) // 2 * 2
            rest = content[size:]
            yield np.frombuffer(content[:size], "<i2").astype(np.int16)


@dataclass(frozen=True)
class RealTime:
    """A source whose blocks come no sooner than if they were being recorded.

    Attributes:
        source: Blocks of which each is an array.
    """

    source: BlockSource

    @property
    def sample_rate(self) -> int:
        """Of the blocks, in Hz."""
        return self.source.sample_rate

    def __iter__(self) -> Iterator[ArrayLike]:
        """The samples in blocks of 0.1 s."""
        start, num_samples = time.monotonic(), 0
        size = round(_BLOCK_SECONDS * self.sample_rate)
        for block in self.source:
            samples = np.asarray(block)
            for first in range(0, len(samples), size):
                piece = samples[first : first + size]
                num_samples += len(piece)
                time.sleep(max(0.0, start + num_samples / self.sample_rate - time.monotonic()))
                yield piece
