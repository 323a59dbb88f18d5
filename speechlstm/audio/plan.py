"""Where the encoded samples of a file are, which of them libsndfile reads, and what is missing."""

from collections.abc import Callable
from dataclasses import dataclass

Pieces = tuple[bytes | tuple[int, int], ...]  # see source.Excerpt

# Sizes of at least this mean "unknown": ffmpeg writes 0xFFFFFFFF into a pipe, sox 0x7FFFF000 or
# 0x7F000008, depending on the format.
UNKNOWN_SIZE = 0x7F000000
UNKNOWN_LONG = 2**63 - 2**32
MAX_CHUNKS = 1000  # before the samples; a file with more is damaged


@dataclass(frozen=True)
class EncodedSamples:
    """The position of the encoded samples in a file.

    Attributes:
        start: Position of the first byte.
        end: Position after the last byte.
        num_promised: The number of bytes according to the header; 0: it does not tell.
        pieces: What libsndfile reads instead of the file, if it would misread the header.
        is_mpeg: Whether they are frames of MPEG audio, whose number no header tells rightly.
    """

    start: int
    end: int
    num_promised: int
    pieces: Pieces | None = None
    is_mpeg: bool = False


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
        is_whole: Whether all of its bytes are known to be there, so that fewer samples than
            libsndfile announces are no loss.
        num_unread: The bytes after its recording that are neither a recording nor tags.
    """

    pieces: Pieces | None
    sample_rate: int = 0
    skip: int = 0
    num_samples: int | None = None
    lost: tuple[tuple[int, int], ...] = ()
    is_mpeg: bool = False
    recover: Callable[[int], "Plan"] | None = None
    start: int = 0
    is_whole: bool = False
    num_unread: int = 0


@dataclass(frozen=True)
class Gap:
    """A part of the recording that is missing from its file."""

    seconds: float


Plan = list[Stretch | Gap]
