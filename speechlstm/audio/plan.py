"""How a recording is decoded: which bytes libsndfile reads, and which parts are missing."""

from collections.abc import Callable
from dataclasses import dataclass

Pieces = tuple[bytes | tuple[int, int], ...]  # see source.Excerpt


@dataclass(frozen=True)
class Stretch:
    """Bytes that libsndfile decodes in one go.

    Attributes:
        pieces: The bytes; None: the whole file.
        sample_rate: In Hz; 0: libsndfile knows it.
        skip: Samples to decode and skip at the start.
        num_samples: The number of samples after those; None: libsndfile knows it.
        start: The sample, of those, to begin at by seeking.
        lost: (first, end) of samples that are silence in place of damaged data.
        is_mpeg: Whether it is decoded by libmpg123, which writes to stderr.
        recover: Called when decoding stops at an error, with the number of samples decoded before
            it; returns the plan for what follows.
    """

    pieces: Pieces | None
    sample_rate: int = 0
    skip: int = 0
    num_samples: int | None = None
    lost: tuple[tuple[int, int], ...] = ()
    is_mpeg: bool = False
    recover: Callable[[int], "Plan"] | None = None
    start: int = 0


@dataclass(frozen=True)
class Gap:
    """A part of the recording that is missing from its file.

    Attributes:
        seconds: Its duration.
    """

    seconds: float


Plan = list[Stretch | Gap]
