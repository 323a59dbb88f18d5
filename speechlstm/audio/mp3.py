"""MPEG audio, layers I to III: every frame of a file, whatever lies between them.

libsndfile reads as many frames as the first says there are, or as the file's size lets expect: the
end of a file without a Xing header, and whatever is joined to it, would be missing. So the frames
are found here, and handed to it under a header that tells their true number. What is damaged is
replaced by silent frames, for libmpg123 reports damage to stderr and shortens the recording.

ISO/IEC 11172-3 and 13818-3; the Xing header: the LAME project's mp3 info tag.
"""

from array import array
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from speechlstm.audio.plan import Gap, Plan, Stretch
from speechlstm.audio.source import Source

_KILOBITS = {  # by (MPEG 1, layer)
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_SIDE_BYTES = 32  # of layer III, at most
_RECORD_BYTES = 4 + 2 + _SIDE_BYTES  # header, checksum, side information
_MAX_FREE_BYTES = 8192
_SEARCH_BYTES = 1 << 16  # before the first frame, beside tags
_CHUNK_BYTES = 1 << 20
_CODEC_DELAY = 529  # samples that a decoder of layer III is late
_MAX_BIG_VALUES = 288


@dataclass(frozen=True)
class Header:
    """The header of a frame: its first four bytes.

    Attributes:
        kind: Version, layer, sample rate, channels: what a decoder cannot change on its way.
        is_mpeg1: Otherwise MPEG 2 or 2.5, with half the samples in a frame of layer III.
        layer: 1 to 3.
        sample_rate: Samples a second.
        num_channels: 1 or 2.
        num_bytes: Of the frame; 0: free format, only the next frame tells.
        padding: Bytes of it that its bit rate does not account for.
        num_samples: Of the frame.
        side_start: Where the side information begins, after the checksum if there is one.
        side_bytes: Its length; 0 in layers I and II.
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
    """The header that four bytes are; None where they are none."""
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
    # libmpg123 counts the frames of the simpler layers by the size of the first.
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


class _Frames:
    """The frames of a file, in their order.

    Attributes:
        starts, sizes: Where each lies, in bytes.
        headers: Of each.
        damaged: Places of frames whose content is not to be trusted.
        missing: (place, number of frames) that damage has taken before the frame at that place.
    """

    def __init__(self, source: Source) -> None:
        self._bytes = _Bytes(source)
        self.starts, self.sizes = array("Q"), array("L")
        self.headers: list[Header] = []
        self.records = bytearray()
        self.damaged: set[int] = set()
        self.missing: list[tuple[int, int]] = []
        self._free_bytes: dict[tuple[int, ...], int] = {}

    def walk(self) -> bool:
        """Find all frames; False where the file is no MPEG audio."""
        position = self._after_tags(0)
        start = self._next_sync(position, min(self._bytes.size, position + _SEARCH_BYTES))
        if start is None:
            return False
        position = start
        while position < self._bytes.size:
            record = self._bytes.get(position, _RECORD_BYTES)
            header = parse_header(record[:4])
            num_bytes = self._num_bytes(header, position) if header else 0
            if header and num_bytes:
                if position + num_bytes > self._bytes.size:
                    self.missing.append((len(self.starts), 1))  # the last one is not whole
                    break
                self.starts.append(position)
                self.sizes.append(num_bytes)
                self.headers.append(header)
                self.records += record.ljust(_RECORD_BYTES, b"\0")
                position += num_bytes
            elif (after := self._after_tags(position)) > position:
                position = after
            else:
                position = self._skip_damage(position)
        covered = sum(self.sizes)
        is_tagged = start > 0 and self._after_tags(0) > 0
        # Samples of other formats have such headers by chance, but not one after the other.
        is_steady = 4 * len(self.missing) <= len(self.starts) and covered > self._bytes.size // 2
        num_first = self.missing[0][0] if self.missing else len(self.starts)
        is_leading = start == self._after_tags(0) and num_first >= 4
        num_enough = 1 if is_tagged else 4
        return len(self.starts) >= num_enough and (is_tagged or is_steady or is_leading)

    def attribute(self, num_promised: int) -> None:
        """Count frames that a header promises, and damage has removed, to the widest damage.

        Where the file ends with a whole frame, its end is not what is missing.
        """
        num_found = len(self.starts) - 1 + sum(number for _, number in self.missing)
        within = [i for i, (place, _) in enumerate(self.missing) if place < len(self.starts)]
        num_removed = num_promised - num_found
        if within and len(within) == len(self.missing) and 1 < num_removed <= num_found:
            widest = max(within, key=lambda i: self.missing[i][1])
            place, number = self.missing[widest]
            self.missing[widest] = (place, number + num_removed)

    def _skip_damage(self, position: int) -> int:
        """Where frames go on; what lies before counts as frames of the last one's length."""
        sync = self._next_sync(position + 1, self._bytes.size)
        end = self._bytes.size if sync is None else sync
        typical = sum(self.sizes[-32:]) / len(self.sizes[-32:])
        num_missing = round((end - position) / typical)
        if sync is None and not any(self._bytes.get(position, min(_CHUNK_BYTES, end - position))):
            num_missing = 0  # zeros at the end: what a player or a file system has filled up
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
        """Bytes of a frame of free format without its padding: to the next but one header."""
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
        """The next place before end from which two frames follow each other, or a last one."""
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
        """The first byte after the tags that begin at a place."""
        while num_bytes := self._tag_bytes(position):
            position = min(position + num_bytes, self._bytes.size)
        return position

    def _tag_bytes(self, position: int) -> int:
        start = self._bytes.get(position, 32)
        if start[:3] == b"ID3" and len(start) >= 10 and not any(b & 0x80 for b in start[6:10]):
            size = start[6] << 21 | start[7] << 14 | start[8] << 7 | start[9]
            return 10 + size + (10 if start[5] & 0x10 else 0)
        if start[:3] == b"TAG":
            return 227 if start[:4] == b"TAG+" else 128
        if start[:8] == b"APETAGEX" and len(start) == 32:
            size = int.from_bytes(start[12:16], "little")  # of what follows the header
            is_header = start[23] & 0x20
            return 32 + size if is_header else 32
        if start[:11] == b"LYRICSBEGIN":
            end = self._bytes.get(position, 1 << 17).find(b"LYRICS200")
            return end + 9 if end > 0 else 0
        return 0


def plan_mp3(source: Source) -> Plan | None:
    """How a file of MPEG audio is decoded; None where it is none.

    Its length is what ffmpeg decodes of it: of the first header the delay and padding of its
    encoder are left out, and any further one, where files were joined, is a silent frame.
    """
    frames = _Frames(source)
    if not frames.walk():
        return None
    info = _Info.of(frames, source)
    if info:
        frames.attribute(info.num_frames)
    usability = _usability(frames)
    plan: list[Stretch | Gap] = []
    headers, missing = frames.headers, dict(frames.missing)
    start = 1 if info else 0
    promised_end = start + info.num_frames if info and not missing else None
    for place in range(start + 1, len(headers) + 1):
        is_end = place == len(headers) or place == promised_end
        if is_end or headers[place].kind != headers[start].kind:
            header, number = headers[start], missing.get(start)
            if number and plan:
                plan.append(Gap(number * header.num_samples / header.sample_rate))
            plan.append(_stretch(frames, start, place, usability))
            start = place
    return _trimmed(plan, info, frames)


def _trimmed(plan: Plan, info: "_Info | None", frames: _Frames) -> Plan:
    """Without the encoder's delay and padding, and with the frames that the header misses."""
    at_end = sum(number for place, number in frames.missing if place == len(frames.starts))
    if not plan:
        return plan
    num_found = len(frames.headers) - 1 + sum(n for p, n in frames.missing if p)
    if info and isinstance(plan[0], Stretch):
        stretch = plan[0]
        is_whole = stretch.num_samples == info.num_frames * frames.headers[0].num_samples
        spent = info.delay + (info.padding if is_whole else 0)
        if stretch.num_samples is not None and spent < stretch.num_samples:
            plan[0] = replace(
                stretch,
                skip=stretch.skip + info.delay,
                num_samples=stretch.num_samples - spent,
                lost=tuple(
                    (max(0, first - info.delay), max(0, end - info.delay))
                    for first, end in stretch.lost
                ),
            )
        if info.num_frames > num_found + 1:  # some encoders count this frame too
            at_end += info.num_frames - num_found
    if at_end:
        header = frames.headers[-1]
        plan.append(Gap(at_end * header.num_samples / header.sample_rate))
    return plan


@dataclass(frozen=True)
class _Info:
    """What the first frame says of the others: Xing's, LAME's or Fraunhofer's header.

    Attributes:
        num_frames: As many are promised; 0: not said.
        delay, padding: Samples at the start and at the end that are not the recording's.
    """

    num_frames: int
    delay: int = 0
    padding: int = 0

    @classmethod
    def of(cls, frames: _Frames, source: Source) -> "_Info | None":
        header = frames.headers[0]
        content = source.read(frames.starts[0], frames.sizes[0])
        if header.layer != 3:
            return None
        if content[36:40] == b"VBRI":
            return cls(int.from_bytes(content[50:54], "big"))
        at = 4 + header.side_bytes
        if content[at : at + 4] not in (b"Xing", b"Info"):
            return None
        flags = int.from_bytes(content[at + 4 : at + 8], "big")
        num_frames = int.from_bytes(content[at + 8 : at + 12], "big") if flags & 1 else 0
        at += 8 + 4 * (flags & 1) + 4 * (flags >> 1 & 1) + 100 * (flags >> 2 & 1)
        at += 4 * (flags >> 3 & 1)
        if content[at : at + 4] not in (b"LAME", b"Lavf", b"Lavc"):
            return cls(num_frames)
        pads = int.from_bytes(content[at + 21 : at + 24], "big")
        padding = max(0, (pads & 0xFFF) - _CODEC_DELAY)
        return cls(num_frames, (pads >> 12) + _CODEC_DELAY, padding)


@dataclass(frozen=True)
class _Usability:
    """Which frames can be decoded; of layer III, whose data may begin in earlier frames.

    Attributes:
        is_bad: (num_frames,): it is damaged, or what its data begin with is missing.
        begins: (num_frames,): as many bytes before it its data begin.
        data_bytes: (num_frames,): those of its own that hold data.
    """

    is_bad: NDArray[np.bool_]
    begins: NDArray[np.int64]
    data_bytes: NDArray[np.int64]


def _usability(frames: _Frames) -> _Usability:
    num_frames = len(frames.headers)
    bad = np.zeros(num_frames, bool)
    bad[list(frames.damaged)] = True
    begins, num_bits = np.zeros(num_frames, np.int64), np.zeros(num_frames, np.int64)
    records = np.frombuffer(frames.records, np.uint8).reshape(-1, _RECORD_BYTES)
    shapes = [(h.is_mpeg1, h.num_channels, h.side_start, h.side_bytes) for h in frames.headers]
    for shape in set(shapes):
        if not shape[-1]:
            continue
        places = np.array([place for place, other in enumerate(shapes) if other == shape])
        for some in np.array_split(places, max(1, len(places) // 4_000)):
            side = records[some, shape[2] : shape[2] + shape[3]]
            begins[some], num_bits[some], wrong = _side_information(side, shape[0], shape[1])
            bad[some] |= wrong
    sizes = np.array(frames.sizes, np.int64)
    data = sizes - np.array([h.side_start + h.side_bytes for h in frames.headers])
    bad |= num_bits > 8 * (begins + data)
    restarts = {place for place, _ in frames.missing}
    restarts |= {
        place
        for place in range(1, num_frames)
        if frames.headers[place].kind != frames.headers[place - 1].kind
    }
    # Within reach of a place where data were lost, a frame may miss what it continues.
    for restart in sorted(restarts | {0}):
        reservoir = 0
        for place in range(restart, min(num_frames, restart + 512)):
            if place > restart and place in restarts:
                break
            if frames.headers[place].layer == 3 and begins[place] > reservoir:
                bad[place] = True
            reservoir += 0 if place in frames.damaged else int(data[place])
            if reservoir > 511:
                break
    return _Usability(bad, begins, data)


def _side_information(
    side: NDArray[np.uint8], is_mpeg1: bool, num_channels: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Of frames: bytes before it at which its data begin, their bits, and what no encoder writes.

    Args:
        side: (num_frames, side_bytes).
        is_mpeg1: Whether there are two granules in a frame.
        num_channels: 1 or 2.
    """
    bits = np.unpackbits(side, axis=1).astype(np.int64)

    def number(start: int, length: int) -> NDArray[np.int64]:
        value: NDArray[np.int64] = bits[:, start : start + length] @ (1 << np.arange(length)[::-1])
        return value

    if is_mpeg1:
        begins, at, step, scale_bits = number(0, 9), (18, 20)[num_channels == 2], 59, 4
    else:
        begins, at, step, scale_bits = number(0, 8), (9, 10)[num_channels == 2], 63, 9
    num_bits = np.zeros(len(side), np.int64)
    wrong = np.zeros(len(side), bool)
    for _ in range(num_channels * (2 if is_mpeg1 else 1)):
        num_bits += number(at, 12)
        switch = at + 29 + scale_bits
        wrong |= number(at + 12, 9) > _MAX_BIG_VALUES
        wrong |= (bits[:, switch] == 1) & (number(switch + 1, 2) == 0)
        at += step
    return begins, num_bits, wrong


def _stretch(frames: _Frames, start: int, end: int, usability: "_Usability") -> Stretch:
    """Frames of one kind, damage replaced by silence, behind a header that counts them."""
    header = frames.headers[start]
    missing = {place: number for place, number in frames.missing if start < place < end}
    silent = _silent_frame(frames, start)
    pieces: list[bytes | tuple[int, int]] = []
    lost: list[tuple[int, int]] = []
    num_frames, reach = 0, 0
    for place in range(start, end):
        at, size = frames.starts[place], frames.sizes[place]
        data = int(usability.data_bytes[place])
        is_bad, num_missing = usability.is_bad[place], missing.get(place, 0)
        if num_missing or is_bad:
            lost.append((num_frames, num_frames + num_missing + bool(is_bad)))
        for _ in range(num_missing):
            pieces.append(_silent_frame(frames, place - 1, reach))
            reach = min(reach, _reach_limit(header)) + len(pieces[-1]) - 4 - header.side_bytes
        if is_bad:
            # It decodes to silence, but keeps the data that later frames begin with.
            kept = 0 if place in frames.damaged or header.layer < 3 else data
            pieces.append(_silent_frame(frames, place, reach)[: size - kept])
            reach = min(reach, _reach_limit(header)) + data
        else:
            reach = int(usability.begins[place]) + data
        first = at + size - kept if is_bad else at
        if pieces and isinstance(pieces[-1], tuple) and pieces[-1][1] == first:
            pieces[-1] = (pieces[-1][0], at + size)
        elif first < at + size:
            pieces.append((first, at + size))
        num_frames += num_missing + 1
    skip = 0
    if header.layer == 3:
        # libmpg123 leaves out the codec's delay behind such a header, here of the silent frame.
        pieces[:0] = [_counting_frame(silent, header, num_frames + 1), silent]
        skip = header.num_samples - _CODEC_DELAY
    else:
        pieces.append(silent)  # what is expected by the file's size may be a frame short
    size = header.num_samples
    return Stretch(
        tuple(pieces),
        header.sample_rate,
        skip=skip,
        num_samples=num_frames * size,
        lost=tuple((first * size, last * size) for first, last in lost),
        is_mpeg=True,
    )


def _reach_limit(header: Header) -> int:
    """Bytes before a frame at which its data may begin, at most."""
    return 0 if header.layer < 3 else 511 if header.is_mpeg1 else 255


def _silent_frame(frames: _Frames, place: int, reach: int = 0) -> bytes:
    """A frame like another one, without its checksum, that decodes to silence.

    Its data, none, begin as far before it as is allowed: what lies there libmpg123 keeps for the
    frames that follow.
    """
    header = frames.headers[place]
    frame = frames.records[place * _RECORD_BYTES : place * _RECORD_BYTES + 4]
    frame[1] |= 1
    begin = min(reach, _reach_limit(header))
    frame += (begin << 7 if header.is_mpeg1 else begin << 8).to_bytes(2, "big")
    return bytes(frame).ljust(frames.sizes[place], b"\0")


def _counting_frame(silent: bytes, header: Header, num_frames: int) -> bytes:
    """A frame with Xing's header, that holds nothing but the number of frames that follow it."""
    at = 4 + header.side_bytes
    counted = b"Xing" + (1).to_bytes(4, "big") + num_frames.to_bytes(4, "big")
    start = bytearray(silent[:4])
    if len(silent) < at + len(counted) and header.num_bytes:
        start[2] = start[2] & 0x0F | 0x80  # 128 or 64 kbit/s: the smallest frames have no room
    parsed = parse_header(bytes(start))
    size = parsed.num_bytes if parsed and parsed.num_bytes else len(silent)
    return (bytes(start).ljust(at, b"\0") + counted).ljust(size, b"\0")
