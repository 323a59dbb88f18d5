"""Finds the frames of MPEG audio, layers I to III, whatever lies between them.

Sources: ISO/IEC 11172-3 and 13818-3.
"""

from array import array
from dataclasses import dataclass
from functools import lru_cache

from speechlstm.audio.source import Source
from speechlstm.audio.tags import after_tags, before_tags

_KILOBITS = {  # by (MPEG 1, layer)
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_SIDE_BYTES = 32  # at most, in layer III
RECORD_BYTES = 4 + 2 + _SIDE_BYTES  # header, checksum, side information
_MAX_FREE_BYTES = 8192
_SEARCH_BYTES = 1 << 16  # searched for the first frame after tags
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Header:
    """The header of a frame: its first four bytes.

    Attributes:
        kind: Version, layer, sample rate and channels, which a decoder cannot change in a stream.
        is_mpeg1: Whether it is MPEG 1; MPEG 2 and 2.5 have half the samples in a layer III frame.
        layer: 1 to 3.
        sample_rate: In Hz.
        num_channels: 1 or 2.
        num_bytes: Length of the frame; 0: free format, whose length only the next frame tells.
        num_samples: Samples per channel in the frame.
        side_start: Position of the side information, which follows the checksum if there is one.
        side_bytes: Length of the side information; 0 in layers I and II.
    """

    kind: tuple[int, ...]
    is_mpeg1: bool
    layer: int
    sample_rate: int
    num_channels: int
    num_bytes: int
    padding: int
    num_samples: int
    side_start: int
    side_bytes: int


@lru_cache(maxsize=4096)
def parse_header(record: bytes) -> Header | None:
    """The header in four bytes; None if they are not a header."""
    if len(record) < 4 or record[0] != 0xFF or record[1] & 0xE0 != 0xE0:
        return None
    version, layer = record[1] >> 3 & 3, 4 - (record[1] >> 1 & 3)
    bit_rate, rate = record[2] >> 4, record[2] >> 2 & 3
    if version == 1 or layer == 4 or bit_rate == 15 or rate == 3 or record[3] & 3 == 2:
        return None
    is_mpeg1, sample_rate = version == 3, _RATES[version][rate]
    num_channels = 1 if record[3] >> 6 == 3 else 2
    num_samples = 384 if layer == 1 else 576 if layer == 3 and not is_mpeg1 else 1152
    slot = 4 if layer == 1 else 1
    padding = slot * (record[2] >> 1 & 1)
    bits = 1000 * _KILOBITS[is_mpeg1, layer][bit_rate]
    num_bytes = bits * num_samples // (8 * slot) // sample_rate * slot + padding if bits else 0
    side = 0
    if layer == 3:
        side = (32, 17)[num_channels == 1] if is_mpeg1 else (17, 9)[num_channels == 1]
    # For layers I and II, libmpg123 estimates the number of frames from the size of the first one.
    constant = bit_rate if layer < 3 else 0
    return Header(
        kind=(version, layer, sample_rate, num_channels, constant),
        is_mpeg1=is_mpeg1,
        layer=layer,
        sample_rate=sample_rate,
        num_channels=num_channels,
        num_bytes=num_bytes,
        padding=padding,
        num_samples=num_samples,
        side_start=4 if record[1] & 1 else 6,
        side_bytes=side,
    )


class _Bytes:
    """The bytes of a source, read in chunks."""

    def __init__(self, source: Source) -> None:
        self._source, self.size = source, source.size
        self._chunk, self._start = b"", 0

    def get(self, position: int, num_bytes: int) -> bytes:
        at = position - self._start
        if not 0 <= at <= len(self._chunk) - num_bytes:
            self._chunk = self._source.read(position, max(_CHUNK_BYTES, num_bytes))
            self._start, at = position, 0
        return self._chunk[at : at + num_bytes]


class Frames:
    """The frames of a file, in order.

    Attributes:
        starts: The position of each frame.
        sizes: The length of each frame in bytes.
        records: The first RECORD_BYTES bytes of each frame, joined.
        damaged: The indices of frames whose content may be damaged.
        missing: (index, number) of frames lost by damage, before the frame at that index.
    """

    def __init__(self, source: Source) -> None:
        self._bytes = _Bytes(source)
        self.starts, self.sizes = array("Q"), array("L")
        self.headers: list[Header] = []
        self.records = bytearray()
        self.damaged: set[int] = set()
        self.missing: list[tuple[int, int]] = []
        self._free_bytes: dict[tuple[int, ...], int] = {}

    def walk(self, start: int = 0) -> bool:
        """Find all frames from a position on. Returns False if it is not MPEG audio."""
        begins = self._after_tags(start)
        if begins >= self._bytes.size:  # the length of a tag may be wrong
            begins = start
        position = begins
        first = self._next_sync(position, min(self._bytes.size, position + _SEARCH_BYTES))
        if first is None:
            return False
        position = first
        while position < self._bytes.size:
            record = self._bytes.get(position, RECORD_BYTES)
            header = parse_header(record[:4])
            num_bytes = self._num_bytes(header, position) if header else 0
            if header and num_bytes:
                if position + num_bytes > self._bytes.size:
                    self.missing.append((len(self.starts), 1))  # the last frame is incomplete
                    break
                self.starts.append(position)
                self.sizes.append(num_bytes)
                self.headers.append(header)
                self.records += record.ljust(RECORD_BYTES, b"\0")
                position += num_bytes
            elif (after := self._after_tags(position)) > position:
                if after >= self._bytes.size:  # the length of a tag may be wrong
                    after = self._next_sync(position + 1, self._bytes.size) or self._bytes.size
                position = after
            else:
                position = self._skip_damage(position)
        covered, size = sum(self.sizes), self._bytes.size - start
        is_tagged = first > start and begins > start
        # Data of other formats may look like a header by chance, but not like consecutive frames.
        is_steady = 4 * len(self.missing) <= len(self.starts) and covered > size // 2
        num_first = self.missing[0][0] if self.missing else len(self.starts)
        is_leading = first == begins and num_first >= 4
        num_enough = 1 if is_tagged else 4
        return len(self.starts) >= num_enough and (is_tagged or is_steady or is_leading)

    def attribute(self, num_promised: int) -> None:
        """Add frames that a header announces and that are missing to the largest damaged part.

        If the file does not end with a complete frame, they are missing at its end instead.
        """
        num_found = len(self.starts) - 1 + sum(number for _, number in self.missing)
        within = [i for i, (place, _) in enumerate(self.missing) if place < len(self.starts)]
        num_removed = num_promised - num_found
        if within and len(within) == len(self.missing) and 1 < num_removed <= num_found:
            widest = max(within, key=lambda i: self.missing[i][1])
            place, number = self.missing[widest]
            self.missing[widest] = (place, number + num_removed)

    def _skip_damage(self, position: int) -> int:
        """The position where frames continue; before it, frames of average length are missing."""
        sync = self._next_sync(position + 1, self._bytes.size)
        end = self._bytes.size if sync is None else sync
        if before_tags(self._bytes.get, end) == position:  # those without a header of their own
            return end
        typical = sum(self.sizes[-32:]) / len(self.sizes[-32:])
        num_missing = round((end - position) / typical)
        if sync is None and not any(self._bytes.get(position, min(_CHUNK_BYTES, end - position))):
            num_missing = 0  # zeros at the end are padding of a player or a file system
        elif num_missing or sync is not None:
            self.damaged.add(len(self.starts) - 1)
            self.missing.append((len(self.starts), num_missing))
        return end

    def _num_bytes(self, header: Header, position: int) -> int:
        if header.num_bytes:
            return header.num_bytes
        if header.kind not in self._free_bytes:
            self._free_bytes[header.kind] = self._measured(position)
        plain = self._free_bytes[header.kind]
        return plain + header.padding if plain else 0

    def _measured(self, position: int) -> int:
        """The length of a free-format frame without padding, from the next two headers."""
        window = self._bytes.get(position, 2 * _MAX_FREE_BYTES)
        first = parse_header(window[:4])
        at = 24
        while first and 0 < (at := window.find(window[:2], at)) < _MAX_FREE_BYTES:
            second = parse_header(window[at : at + 4])
            if second and second.kind == first.kind and not second.num_bytes:
                plain = at - first.padding
                third = parse_header(window[at + plain + second.padding :][:4])
                if third and third.kind == first.kind and not third.num_bytes:
                    return plain
            at += 1
        return 0

    def _next_sync(self, position: int, end: int) -> int | None:
        """The next position before end where two consecutive frames, or a last one, begin."""
        while position < end:
            chunk = self._bytes.get(position, min(_CHUNK_BYTES, self._bytes.size - position))
            at = -1
            while 0 <= (at := chunk.find(b"\xff", at + 1)) < end - position:
                if self._is_sync(position + at):
                    return position + at
            position += len(chunk)
            if not chunk:
                break
        return None

    def _is_sync(self, position: int) -> bool:
        header = parse_header(self._bytes.get(position, 4))
        num_bytes = self._num_bytes(header, position) if header else 0
        if not header or not num_bytes:
            return False
        after = position + num_bytes
        if after >= self._bytes.size:
            return after == self._bytes.size and len(self.starts) > 0
        following = parse_header(self._bytes.get(after, 4))
        if following is None:
            return len(self.starts) > 0 and self._after_tags(after) > after
        return following.kind[:3] == header.kind[:3]

    def _after_tags(self, position: int) -> int:
        """The position after the tags that begin at a position."""
        return after_tags(self._bytes.get, position, self._bytes.size)
