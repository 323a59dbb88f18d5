"""What is decoded of a recording's bytes, and what of the recording they lack."""

from collections.abc import Callable
from dataclasses import dataclass

Pieces = tuple[bytes | tuple[int, int], ...]  # see source.Excerpt


@dataclass(frozen=True)
class Stretch:
    """Bytes that libsndfile decodes in one go.

    Attributes:
        pieces: Of the recording's file; None: the whole of it.
        sample_rate: Samples a second; 0: libsndfile tells.
        skip: Samples that come before the recording's.
        num_samples: As many follow; None: libsndfile tells.
        lost: Those of them that are silence in place of what damage has taken: (first, end).
        is_mpeg: Whether libmpg123 decodes it, which writes to stderr.
        recover: Given how many samples could be decoded until an error, what to go on with.
    """

    pieces: Pieces | None
    sample_rate: int = 0
    skip: int = 0
    num_samples: int | None = None
    lost: tuple[tuple[int, int], ...] = ()
    is_mpeg: bool = False
    recover: Callable[[int], "Plan"] | None = None


@dataclass(frozen=True)
class Gap:
    """A part of the recording that its bytes lack.

    Attributes:
        seconds: Its length.
    """

    seconds: float


Plan = list[Stretch | Gap]
