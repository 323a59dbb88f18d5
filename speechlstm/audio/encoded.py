"""Where the encoded samples of a file are, according to its header."""

from dataclasses import dataclass

from speechlstm.audio.plan import Pieces

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
        num_promised: The number of bytes according to the header.
        pieces: What libsndfile reads instead of the file, if it would misread the header.
        rest: Where another recording begins that was appended to this one; 0: there is none.
        is_mpeg: Whether they are frames of MPEG audio, whose number no header tells rightly.
    """

    start: int
    end: int
    num_promised: int
    pieces: Pieces | None = None
    rest: int = 0
    is_mpeg: bool = False
