"""Plans FLAC files (RFC 9639), including ones of unknown length, joined ones and damaged ones.

libFLAC stops at damage. This module finds the frames after it by their headers and checksums.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from speechlstm.audio.plan import Gap, Pieces, Plan, Stretch
from speechlstm.audio.source import Excerpt, Source
from speechlstm.audio.tags import after_tags, before_tags

Ranges = tuple[tuple[int, int], ...]

_SYNC = re.compile(rb"\xff[\xf8\xf9]")
_MAX_HEADER_BYTES = 16
_TAIL_BYTES = (1 << 16, 1 << 20)  # the second always has the last two frames
_BLOCK_SIZES = {1: 192, **{code: 576 << (code - 2) for code in range(2, 6)}} | {
    code: 256 << (code - 8) for code in range(8, 16)
}


def _table(polynomial: int, num_bits: int) -> NDArray[np.uint16]:
    top, mask = 1 << (num_bits - 1), (1 << num_bits) - 1
    table = []
    for byte in range(256):
        value = byte << (num_bits - 8)
        for _ in range(8):
            value = (value << 1 ^ polynomial if value & top else value << 1) & mask
        table.append(value)
    return np.array(table, np.uint16)


_CRC8, _CRC16 = _table(0x07, 8).tolist(), _table(0x8005, 16)


@dataclass(frozen=True)
class FLACStream:
    """A FLAC stream.

    Attributes:
        ranges: The byte ranges of its frames in the source.
        metadata: The bytes before the frames.
        sample_rate: In Hz.
        num_samples: According to the header; 0: unknown.
        block_size: Samples of each frame except the last; 0: frames have different sizes.
    """

    ranges: Ranges
    metadata: bytes
    sample_rate: int
    num_samples: int
    block_size: int

    def counted(self, num_samples: int) -> bytes:
        """The metadata with another number of samples, and without the checksum of the samples."""
        content = bytearray(self.metadata)
        fields = int.from_bytes(content[18:26], "big") & ~0xFFFFFFFFF | num_samples
        content[18:26] = fields.to_bytes(8, "big")
        content[26:42] = bytes(16)
        return bytes(content)


@dataclass(frozen=True)
class _Frame:
    """The position of a frame in the stream, its first sample and its number of samples."""

    start: int
    first: int
    num_samples: int


def read_stream(source: Source, ranges: Ranges) -> FLACStream | None:
    """The stream in some byte ranges of a source; None if its headers are damaged."""
    file = Excerpt(source, ranges)
    position, info = 4, b""
    if file.read(4) != b"fLaC":
        return None
    is_last = False
    while not is_last:
        head = file.read(4)
        length = int.from_bytes(head[1:4], "big")
        if len(head) < 4 or (not info and (head[0] & 0x7F or length < 34)):
            return None
        info = info or file.read(length)
        position += 4 + length
        file.seek(position)
        is_last = bool(head[0] & 0x80)
    # The first metadata block is enough to decode the stream; pictures and others are left out.
    metadata = b"fLaC\x80" + len(info).to_bytes(3, "big") + info
    smallest, largest = int.from_bytes(info[:2], "big"), int.from_bytes(info[2:4], "big")
    fields = int.from_bytes(info[10:18], "big")
    block_size = smallest if smallest == largest else 0
    sample_rate, num_samples = fields >> 44, fields & 0xFFFFFFFFF
    if not sample_rate:
        return None
    return FLACStream(_sliced(ranges, position), metadata, sample_rate, num_samples, block_size)


def plan_flac(source: Source) -> Plan | None:
    """The plan for a FLAC file; None if its headers are damaged."""
    starts = _stream_starts(source)
    plan: Plan = []
    for start, after in zip(starts, [*starts[1:], source.size], strict=True):
        end = before_tags(source.read, after)  # libFLAC takes a tag for damage of the last frame
        is_file = (start, end) == (0, source.size)
        stream = read_stream(source, ((start, end),))
        if stream is None:
            return None
        num_present = _num_samples(source, stream)
        plan += plan_stream(source, stream, num_present or stream.num_samples, is_file)
        if 0 < num_present < stream.num_samples:
            plan.append(Gap((stream.num_samples - num_present) / stream.sample_rate))
    return plan


def plan_stream(
    source: Source, stream: FLACStream, num_samples: int, is_file: bool = False
) -> Plan:
    """The plan for a stream with a known number of samples; is_file: it is all of its file."""
    is_plain = is_file and num_samples == stream.num_samples
    pieces: Pieces | None = None
    if not is_plain:
        pieces = (stream.counted(num_samples), *stream.ranges)
    recover = partial(recovered, source, stream, num_samples)
    return [Stretch(pieces, stream.sample_rate, num_samples=num_samples, recover=recover)]


def _stream_starts(source: Source) -> list[int]:
    """The positions of the streams in a file, which may be several joined ones."""
    start = after_tags(source.read, 0, source.size)
    return [start, *source.find([b"fLaC\0\0\0\x22"], start + 1)]


def _sliced(ranges: Ranges, start: int, end: int | None = None) -> Ranges:
    """The part of some byte ranges from byte start to byte end, counted through all of them."""
    sliced, at = [], 0
    for first, last in ranges:
        low = max(first, first + start - at)
        high = last if end is None else min(last, first + end - at)
        if low < high:
            sliced.append((low, high))
        at += last - first
    return tuple(sliced)


def _num_samples(source: Source, stream: FLACStream) -> int:
    """The number of samples up to the last frame with a valid header; 0: there is none."""
    size = sum(end - start for start, end in stream.ranges)
    file = Excerpt(source, stream.ranges)
    for tail in (*_TAIL_BYTES, size):
        start = max(0, size - tail)
        file.seek(start)
        frames = _followed(list(_headers(file.read(tail), start, stream)))
        if frames:
            return frames[-1].first + frames[-1].num_samples
    return 0


def _headers(content: bytes, base: int, stream: FLACStream) -> Iterator[_Frame]:
    """The frames whose headers have a valid checksum. Some may be there by chance."""
    for match in _SYNC.finditer(content):
        frame = _parse(content[match.start() : match.start() + _MAX_HEADER_BYTES], stream)
        if frame:
            yield _Frame(base + match.start(), *frame)


def _parse(head: bytes, stream: FLACStream) -> tuple[int, int] | None:
    """First sample and number of samples from a frame header; None if it is not valid."""
    if len(head) < 6 or head[3] & 1:
        return None
    size_code, rate_code = head[2] >> 4, head[2] & 15
    length = _number_bytes(head[4])
    if not size_code or rate_code == 15 or not length or head[3] >> 4 > 10:
        return None
    number = head[4] & (0x7F >> length if length > 1 else 0x7F)
    for byte in head[5 : 4 + length]:
        number = number << 6 | byte & 0x3F
    at = 4 + length
    num_samples = _BLOCK_SIZES.get(size_code, 0)
    if size_code in (6, 7):
        extra = size_code - 5
        num_samples = int.from_bytes(head[at : at + extra], "big") + 1
        at += extra
    at += {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    crc = 0
    for byte in head[:at]:
        crc = _CRC8[crc ^ byte]
    if at >= len(head) or crc != head[at]:
        return None
    if head[1] & 1:
        return number, num_samples
    return number * (stream.block_size or num_samples), num_samples


def _number_bytes(first: int) -> int:
    """The length of a number in UTF-8 coding, from its first byte; 0: not valid."""
    if first < 0x80:
        return 1
    ones = f"{first:08b}".index("0") if first < 0xFF else 8
    return ones if 2 <= ones <= 7 else 0


def _followed(found: list[_Frame]) -> list[_Frame]:
    """The frames that continue another frame or are continued by one."""
    firsts = {frame.first for frame in found}
    ends = {frame.first + frame.num_samples for frame in found}
    return [f for f in found if f.first in ends or f.first + f.num_samples in firsts]


def recovered(source: Source, stream: FLACStream, num_samples: int, done: int) -> Plan:
    """The plan for the samples after an error: the frames with valid checksums.

    Args:
        num_samples: The number of samples of the stream.
        done: The number of samples decoded before the error.
    """
    size = sum(end - start for start, end in stream.ranges)
    content = Excerpt(source, stream.ranges).read(size)
    frames = _followed(list(_headers(content, 0, stream)))
    ends = [frame.start for frame in frames[1:]] + [size] * bool(frames)
    good = _valid_checksums(content, frames, ends)
    plan: Plan = []
    run: list[tuple[_Frame, int]] = []
    for frame, end, is_valid in zip(frames, ends, good, strict=True):
        if not is_valid or frame.first + frame.num_samples <= done or frame.first < _end(run, 0):
            continue
        if run and frame.first != _end(run, done):
            plan += _run_plan(stream, run, done)
            done = _end(run, done)
            run = []
        run.append((frame, end))
    if run:
        plan += _run_plan(stream, run, done)
        done = _end(run, done)
    if done < num_samples:
        plan.append(Gap((num_samples - done) / stream.sample_rate))
    return plan


def _end(run: list[tuple[_Frame, int]], otherwise: int) -> int:
    return run[-1][0].first + run[-1][0].num_samples if run else otherwise


def _run_plan(stream: FLACStream, run: list[tuple[_Frame, int]], done: int) -> Plan:
    """The plan for consecutive frames, and for the gap since the samples decoded before."""
    first, total = run[0][0].first, sum(frame.num_samples for frame, _ in run)
    skip = max(0, done - first)
    stretch = Stretch(
        (stream.counted(total), *_sliced(stream.ranges, run[0][0].start, run[-1][1])),
        stream.sample_rate,
        skip=skip,
        num_samples=total - skip,
    )
    return [Gap((first - done) / stream.sample_rate), stretch] if first > done else [stretch]


def _valid_checksums(content: bytes, frames: list[_Frame], ends: list[int]) -> list[bool]:
    """Whether each frame ends with the CRC-16 of its bytes; many frames are done in parallel."""
    data = np.frombuffer(content, np.uint8)
    if not frames:
        return []
    starts = np.array([frame.start for frame in frames])
    lengths = np.array(ends) - starts
    order = np.argsort(-lengths, kind="stable")
    starts, lengths = starts[order], lengths[order]
    crc = np.zeros(len(frames), np.uint16)
    active = len(frames)
    for step in range(int(lengths[0])):
        while active and lengths[active - 1] <= step:
            active -= 1
        index = (crc[:active] >> 8) ^ data[starts[:active] + step]
        crc[:active] = (crc[:active] << 8) ^ _CRC16[index]
    valid = np.zeros(len(frames), bool)
    valid[order] = crc == 0  # of a frame with its checksum
    return valid.tolist()
