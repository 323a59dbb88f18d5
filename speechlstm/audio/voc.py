"""Creative's VOC, which has blocks of up to 16 MB: of samples, of silence, of marks.

libsndfile takes the headers of all blocks but the first for samples. So of a file with several
blocks, it gets the samples alone, after the header of a WAV file. Source: "VOC file format",
Creative Labs' Sound Blaster developer kit.
"""

import struct
from dataclasses import dataclass

from speechlstm.audio.plan import EncodedSamples
from speechlstm.audio.source import Source

_MAX_BLOCKS = 1_000_000
_MOST_SILENCE = 1 << 28  # bytes; a block of silence takes seven in the file
_SLACK = 16  # sox writes sizes that are too small
_OLD, _MORE, _SILENCE, _NEW = 1, 2, 3, 9  # the types of blocks
_LAST_TYPE = 9
_HEADER_BYTES = {_OLD: 2, _MORE: 0, _NEW: 12}  # before the samples of a block
_CODECS = {0: 1, 4: 1, 6: 6, 7: 7}  # of VOC: of WAV, for 8-bit, 16-bit, A-law and mu-law


@dataclass(frozen=True)
class _Block:
    """The type of a block, and the positions of its content and of its end."""

    kind: int
    start: int
    end: int


def find_voc_samples(source: Source, start: int) -> EncodedSamples | None:
    """The samples of a VOC file; None if it has none."""
    blocks = _blocks(source, start + int.from_bytes(source.read(start + 20, 2), "little"))
    sounds = [block for block in blocks if block.kind in _HEADER_BYTES]
    if not sounds:
        return None
    last = blocks[-1].end
    first, end = sounds[0].start - 4, min(last, source.size)
    pieces = _joined(source, blocks) if len(sounds) > 1 and last <= source.size else None
    return EncodedSamples(first, end, last - first, pieces)


def _blocks(source: Source, position: int) -> list[_Block]:
    blocks: list[_Block] = []
    for _ in range(_MAX_BLOCKS):
        head = source.read(position, 4)
        is_near_end = source.size - position < _SLACK
        if not head or not 0 < head[0] <= _LAST_TYPE or (blocks and is_near_end):
            break
        end = position + 4 + int.from_bytes(head[1:], "little")
        blocks.append(_Block(head[0], position + 4, end))
        position = end
    return blocks


def _joined(source: Source, blocks: list[_Block]) -> tuple[bytes | tuple[int, int], ...] | None:
    """A WAV file of the samples; None if blocks differ in their format, or it is a rare one."""
    layouts = {
        source.read(block.start, _HEADER_BYTES[block.kind])
        for block in blocks
        if block.kind in (_OLD, _NEW)
    }
    layout = layouts.pop() if len(layouts) == 1 else b""
    is_extended = blocks[0].kind not in (*_HEADER_BYTES, _SILENCE)
    if is_extended or len(layout) not in (2, 12):
        return None
    if len(layout) == 2:
        rate, bits, channels, codec = 1_000_000 // (256 - layout[0]), 8, 1, layout[1]
    else:
        rate, bits, channels, codec = struct.unpack("<IBBH", layout[:8])
    if codec not in _CODECS or bits not in (8, 16) or not channels:
        return None
    width = channels * bits // 8
    silences = {
        block: (int.from_bytes(source.read(block.start, 2), "little") + 1) * width
        for block in blocks
        if block.kind == _SILENCE
    }
    if sum(silences.values()) > _MOST_SILENCE:
        return None
    content: list[bytes | tuple[int, int]] = []
    for block in blocks:
        if block in silences:
            content.append((b"\x80" if bits == 8 else b"\0") * silences[block])
        elif block.kind in _HEADER_BYTES:
            content.append((block.start + _HEADER_BYTES[block.kind], block.end))
    size = sum(len(part) if isinstance(part, bytes) else part[1] - part[0] for part in content)
    fmt = struct.pack("<HHIIHH", _CODECS[codec], channels, rate, rate * width, width, bits)
    head = b"RIFF" + b"\xff" * 4 + b"WAVEfmt \x10\0\0\0" + fmt + b"data"
    return (head + min(size, 2**32 - 1).to_bytes(4, "little"), *content)
