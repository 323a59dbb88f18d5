"""WAV, RF64 and BW64 (EBU Tech 3306, ITU-R BS.2088), and Sony's Wave64."""

from dataclasses import replace
from typing import Literal

from speechlstm.audio.plan import MAX_CHUNKS, UNKNOWN_LONG, UNKNOWN_SIZE, EncodedSamples, Pieces
from speechlstm.audio.source import Source

Order = Literal["little", "big"]

_WRAP = 2**32
_NAMES = (b"fmt ", b"data", b"LIST", b"fact", b"cue ", b"bext", b"JUNK", b"id3 ")  # of chunks
_MAGICS = (b"RIFF", b"RIFX", b"RF64", b"BW64")  # another file begins
_MPEG = b"\x55\0"  # the format code of MPEG audio, layer III
_W64_TAIL = bytes.fromhex("f3acd3118cd100c04f8edb8a")  # end of the identifiers of other chunks


def find_riff_samples(source: Source, start: int) -> EncodedSamples | None:
    """The samples of a WAV, RF64 or BW64 file; None if it is damaged or something else."""
    order: Order = "big" if source.read(start, 4) == b"RIFX" else "little"
    if source.read(start + 8, 4) != b"WAVE":
        return None
    position, layout, long_data, is_unpadded = start + 12, b"", 0, False
    for _ in range(MAX_CHUNKS):
        head = source.read(position, 8)
        if len(head) < 8:
            return None
        name, size = head[:4], int.from_bytes(head[4:], order)
        position += 8
        if name == b"ds64":
            long_data = int.from_bytes(source.read(position + 8, 8), "little")
        elif name == b"fmt ":
            layout = source.read(position, min(size, 1 << 16))
        elif name == b"data":
            break
        position += size + size % 2
        if size % 2 and _lacks_padding(source, position):
            position, is_unpadded = position - 1, True
    else:
        return None
    is_long = source.read(start, 4) in (b"RF64", b"BW64")
    if is_long and size == _WRAP - 1:
        size = long_data if 0 < long_data < UNKNOWN_LONG else 0
        is_unknown = size == 0
    else:
        is_unknown = size >= UNKNOWN_SIZE and position + size > source.size
        whole = int.from_bytes(source.read(start + 4, 4), order) <= source.size - start
        if whole and source.size - start in (size, size + 8):  # some count the header, too
            size = source.size - position
    is_odd = is_long or is_unpadded
    found = _settled(source, start, position, size, is_unknown, is_odd, layout, order)
    return replace(found, is_mpeg=True) if layout[:2] == _MPEG else found


def _lacks_padding(source: Source, position: int) -> bool:
    """Whether the next chunk begins before the even position where it should, as some write it."""
    early, due = source.read(position - 1, 4), source.read(position, 4)
    return early in _NAMES or (_is_name(early) and not _is_name(due))


def _is_name(name: bytes) -> bool:
    return all(32 <= byte < 127 for byte in name)


def _settled(
    source: Source, start: int, position: int, size: int, is_unknown: bool, is_odd: bool,
    layout: bytes, order: Order,
) -> EncodedSamples:  # fmt: skip
    """The samples of a WAV file: as in its header, or all that follows if the size is wrong.

    Args:
        is_odd: Whether libsndfile needs another header in any case.
    """
    after = position + size + size % 2
    may_overflow = after < source.size and source.size - position >= _WRAP  # 32 bits
    if (size == 0 or may_overflow) and not _is_chunks(source, after, order):
        is_unknown = True
    more = () if is_unknown else _further_samples(source, after, order)
    if is_unknown or is_odd or start or more:
        end = source.size if is_unknown else min(source.size, position + size)
        fmt = b"fmt " + len(layout).to_bytes(4, order) + layout + bytes(len(layout) % 2)
        num_bytes = sum(last - first for first, last in ((position, end), *more))
        sizes = (num_bytes if num_bytes < UNKNOWN_SIZE else _WRAP - 1).to_bytes(4, order)
        magic = b"RIFF" if order == "little" else b"RIFX"
        head = magic + b"\xff" * 4 + b"WAVE" + fmt + b"data" + sizes
        pieces: Pieces = (head, (position, end), *more)
        return EncodedSamples(position, end, 0 if is_unknown else size, pieces)
    return EncodedSamples(position, min(source.size, position + size), size)


def _further_samples(source: Source, position: int, order: Order) -> tuple[tuple[int, int], ...]:
    """The samples in chunks that follow the first ones; libsndfile reads the last chunk alone."""
    found = []
    for _ in range(MAX_CHUNKS):
        head = source.read(position, 8)
        if len(head) < 8 or not head[:4].isascii() or head[:4] in _MAGICS:
            break
        start, size = position + 8, int.from_bytes(head[4:], order)
        if head[:4] == b"data" and start + size <= source.size:
            found.append((start, start + size))
        position = start + size + size % 2
    return tuple(found)


def _is_chunks(source: Source, position: int, order: Order) -> bool:
    """Whether everything to the end is chunks, tags or padding, and not samples."""
    for _ in range(MAX_CHUNKS):
        if position >= source.size - 1:
            return True
        head = source.read(position, 8)
        if not any(head):
            return not any(source.read(position, 1 << 16))
        if head[:3] in (b"ID3", b"TAG") or head == b"APETAGEX":
            return True
        if head[:4] in _MAGICS or not _is_name(head[:4]):
            return False
        if len(head) < 8:
            return True
        size = int.from_bytes(head[4:], order)
        position += 8 + size + size % 2
    return False


def find_w64_samples(source: Source, start: int) -> EncodedSamples | None:
    """The samples of a Wave64 file; None if it is damaged.

    Chunks have identifiers of 16 bytes and sizes of 8 bytes. The sizes include both, without the
    padding to a multiple of 8.
    """
    position, layout = start + 40, b""
    for _ in range(MAX_CHUNKS):
        head = source.read(position, 24)
        if len(head) < 24:
            return None
        size = int.from_bytes(head[16:], "little")
        if head[:4] == b"fmt ":
            layout = source.read(position + 24, min(max(0, size - 24), 1 << 16))
        if head[:4] == b"data" and head[4:16] == _W64_TAIL:
            position, size = position + 24, size - 24
            is_unknown = size <= 0 or size >= UNKNOWN_LONG or size == _WRAP - 1 - 24
            return _settled(
                source, start, position, max(0, size), is_unknown, True, layout, "little"
            )
        if size < 24:
            return None
        position += size + -size % 8
    return None
