"""Plans files of MPEG audio, layers I to III: every frame is found, whatever lies between frames.

libsndfile reads as many frames as the first one announces, or as it estimates from the size of the
file. The end of a file without a Xing header, and anything appended to a file, would be missing.
Therefore the frames are found here and passed to libsndfile after a header with their true number.
Damaged frames are replaced by silent ones, because libmpg123 reports damage on stderr and shortens
the recording.

Sources: ISO/IEC 11172-3 and 13818-3; for the Xing header, the LAME project's "mp3 info tag".
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from speechlstm.audio.mpeg_frames import RECORD_BYTES, Frames, Header, parse_header
from speechlstm.audio.plan import Gap, Plan, Stretch
from speechlstm.audio.source import Source

_CODEC_DELAY = 529  # delay of a layer III decoder in samples
_MAX_BIG_VALUES = 288


def plan_mp3(source: Source, position: int = 0) -> Plan | None:
    """The plan for a file of MPEG audio from a position on; None if it is something else.

    The duration is that of ffmpeg's decoder: the delay and padding of the encoder are removed if
    the first header has them, and any further header, in joined files, becomes a silent frame.
    """
    frames = Frames(source)
    if not frames.walk(position):
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


def _trimmed(plan: Plan, info: "_Info | None", frames: Frames) -> Plan:
    """The plan without the encoder's delay and padding, and with a gap for frames at the end."""
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
        if info.num_frames > num_found + 1:  # some encoders also count the header frame
            at_end += info.num_frames - num_found
    if at_end:
        header = frames.headers[-1]
        plan.append(Gap(at_end * header.num_samples / header.sample_rate))
    return plan


@dataclass(frozen=True)
class _Info:
    """The information in the first frame about the others: the header of Xing, LAME or Fraunhofer.

    Attributes:
        num_frames: The number of frames; 0: unknown.
        delay: The number of samples to remove at the start.
        padding: The number of samples to remove at the end.
    """

    num_frames: int
    delay: int = 0
    padding: int = 0

    @classmethod
    def of(cls, frames: Frames, source: Source) -> "_Info | None":
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
    """Which frames can be decoded. The data of a layer III frame may begin in earlier frames.

    Attributes:
        is_bad: (num_frames,): the frame is damaged, or the start of its data is missing.
        begins: (num_frames,): the number of bytes before the frame at which its data begin.
        data_bytes: (num_frames,): the number of bytes of the frame that hold data.
    """

    is_bad: NDArray[np.bool_]
    begins: NDArray[np.int64]
    data_bytes: NDArray[np.int64]


def _usability(frames: Frames) -> _Usability:
    num_frames = len(frames.headers)
    bad = np.zeros(num_frames, bool)
    bad[list(frames.damaged)] = True
    begins, num_bits = np.zeros(num_frames, np.int64), np.zeros(num_frames, np.int64)
    records = np.frombuffer(frames.records, np.uint8).reshape(-1, RECORD_BYTES)
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
    # Shortly after lost data, a frame's data may begin in the lost part.
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
    """Reads the side information of frames.

    Args:
        side: (num_frames, side_bytes).
        is_mpeg1: Whether a frame has two granules.
        num_channels: 1 or 2.

    Returns:
        For each frame: the number of bytes before it at which its data begin, the number of bits of
            its data, and whether it has values that no encoder writes.
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


def _stretch(frames: Frames, start: int, end: int, usability: "_Usability") -> Stretch:
    """Frames of one kind, with silent frames for damaged ones, after a header with their number."""
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
            # A silent frame, which keeps the data that later frames need.
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
        # libmpg123 removes the codec's delay after such a header, here from the silent frame.
        pieces[:0] = [_counting_frame(silent, header, num_frames + 1), silent]
        skip = header.num_samples - _CODEC_DELAY
    else:
        pieces.append(silent)  # the number estimated from the file size may be one too small
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
    """The largest number of bytes before a frame at which its data may begin."""
    return 0 if header.layer < 3 else 511 if header.is_mpeg1 else 255


def _silent_frame(frames: Frames, place: int, reach: int = 0) -> bytes:
    """A frame like the one at place, without a checksum, that decodes to silence.

    It has no data, but says that they begin as far before it as possible, so that libmpg123 keeps
    those bytes for the frames after it.
    """
    header = frames.headers[place]
    frame = frames.records[place * RECORD_BYTES : place * RECORD_BYTES + 4]
    frame[1] |= 1
    begin = min(reach, _reach_limit(header))
    frame += (begin << 7 if header.is_mpeg1 else begin << 8).to_bytes(2, "big")
    return bytes(frame).ljust(frames.sizes[place], b"\0")


def _counting_frame(silent: bytes, header: Header, num_frames: int) -> bytes:
    """A frame with a Xing header, which has nothing but the number of the frames after it."""
    at = 4 + header.side_bytes
    counted = b"Xing" + (1).to_bytes(4, "big") + num_frames.to_bytes(4, "big")
    start = bytearray(silent[:4])
    if len(silent) < at + len(counted) and header.num_bytes:
        start[2] = start[2] & 0x0F | 0x80  # 128 or 64 kbit/s, because smaller frames have no room
    parsed = parse_header(bytes(start))
    size = parsed.num_bytes if parsed and parsed.num_bytes else len(silent)
    return (bytes(start).ljust(at, b"\0") + counted).ljust(size, b"\0")
