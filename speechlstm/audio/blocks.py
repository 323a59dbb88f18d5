"""Sound that comes block by block: what `Recognizer.stream` takes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from numpy.typing import ArrayLike


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
