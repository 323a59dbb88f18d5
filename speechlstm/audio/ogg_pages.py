"""The pages of an Ogg file (RFC 3533)."""

import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from speechlstm.audio.source import Source, opened

HEADER_BYTES = 27
CONTINUED, FIRST, LAST = 1, 2, 4
_LARGEST_PAGE = HEADER_BYTES + 255 + 255 * 255
_CHUNK_BYTES = 1 << 20
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True)
class Page:
    """A page of an Ogg stream.

    Attributes:
        start: Position of its first byte.
        end: Position after its last byte.
        body: Position of its packets.
        flags: 1: it continues a packet; 2, 4: it is the first, the last page of its stream.
        granule: The number of samples of the stream up to its end, as the codec counts them.
        serial: The serial number of its stream.
        number: Its number in the stream.
        packet: The first bytes of its body.
        num_ended: The number of packets that end on it.
    """

    start: int
    end: int
    body: int
    flags: int
    granule: int
    serial: int
    number: int
    packet: bytes
    num_ended: int
    is_damaged: bool


def checksum(page: bytes) -> int:
    """The CRC-32 of a page, whose checksum field must be zero, in Ogg's bit order.

    It is computed with zlib, which is a hundred times as fast as a loop but has the opposite bit
    order.
    """
    reversed_sum = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(reversed_sum.to_bytes(4, "little").translate(_REVERSED), "big")


def pages(source: Source) -> Iterator[Page | None]:
    """The pages of a file; None in place of bytes that are not a page."""
    chunk, base, at = b"", 0, 0
    in_sync = True
    while base + at < source.size:
        if len(chunk) - at < _LARGEST_PAGE and base + len(chunk) < source.size:
            base, at = base + at, 0
            chunk = source.read(base, _CHUNK_BYTES + _LARGEST_PAGE)
        page = _parse(chunk, at, base)
        if page:
            yield page
            in_sync = not page.is_damaged
            at += page.end - page.start if not page.is_damaged else 4
            continue
        if in_sync:
            yield None
            in_sync = False
        found = chunk.find(b"OggS", at + 1)
        at = found if found >= 0 else max(at + 1, len(chunk) - 3)


def with_serial(content: bytes, serial: int) -> bytes:
    """A file of one stream with another serial number: encoders draw it at random."""
    changed = bytearray(content)
    with opened(io.BytesIO(content)) as source:
        for page in pages(source):
            if page:
                number = serial.to_bytes(4, "little")
                changed[page.start + 14 : page.start + 18] = number
                changed[page.start + 22 : page.start + 26] = bytes(4)
                total = checksum(bytes(changed[page.start : page.end])).to_bytes(4, "little")
                changed[page.start + 22 : page.start + 26] = total
    return bytes(changed)


def _parse(chunk: bytes, at: int, base: int) -> Page | None:
    head = chunk[at : at + HEADER_BYTES]
    if len(head) < HEADER_BYTES or head[:5] != b"OggS\0":
        return None
    lacing = chunk[at + HEADER_BYTES : at + HEADER_BYTES + head[26]]
    body = at + HEADER_BYTES + head[26]
    end = body + sum(lacing)
    if len(lacing) < head[26] or end > len(chunk):
        return None
    whole = chunk[at : at + 22] + bytes(4) + chunk[at + 26 : end]
    return Page(
        base + at,
        base + end,
        base + body,
        head[5],
        int.from_bytes(head[6:14], "little"),
        int.from_bytes(head[14:18], "little"),
        int.from_bytes(head[18:22], "little"),
        chunk[body : min(end, body + 64)],
        sum(length < 255 for length in lacing),
        checksum(whole) != int.from_bytes(head[22:26], "little"),
    )
