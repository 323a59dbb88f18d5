"""Files that PyAV reads: where several were joined into one, and whether one ends too early.

Of joined files, ffmpeg reads the first one. It takes a file that ends too early for a whole one,
unless its header has a duration. So the sizes of boxes, chunks, elements, packets and frames are
looked at here. Sources: ISO/IEC 14496-12 (MP4), RFC 8794 and 9559 (Matroska), Microsoft's "Advanced
Systems Format" and "AVI RIFF file reference", ISO/IEC 13818-1 (MPEG-TS), ATSC A/52 (AC-3).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from speechlstm.audio.mpeg_frames import parse_header
from speechlstm.audio.plan import UNKNOWN_SIZE
from speechlstm.audio.source import Source
from speechlstm.audio.tags import before_tags

_EBML = b"\x1aE\xdf\xa3"
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_BOXES = {  # of MP4 that are not in others
    *(b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip", b"styp", b"sidx", b"moof", b"uuid"),
    *(b"mfra", b"meta", b"udta", b"pdin", b"pnot", b"emsg", b"ssix", b"prft"),
}

# The first bytes of files, long enough not to occur within one by chance. WavPack: a first block.
_BEGINNINGS = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        re.escape(_ASF),
        rb"FLV\x01[\0\1\4\5]\0\0\0\x09\0{4}",
        rb"#!AMR(-WB)?\n",
        rb"TTA1[\1\2]\0.\0.\0",
        rb"wvpk.{4}[\x02-\x10]\x04\0.{5}\0{4}(?!\0{4}).{4}.[%s]"
        % b"".join(re.escape(bytes([flags])) for flags in range(256) if flags & 8),
        rb"nut/multimedia container\0",
        rb"caff\0\x01\0\0",
    )
)
_LONGEST_BEGINNING = 32
_MAX_BOXES = 1_000_000
_TS_SYNC = b"\x47"  # begins each packet of MPEG-TS

# Of Matroska: EBML, Segment, Cluster may have an unknown size, up to the next one of their kind.
_NESTED = {0x18538067, 0x1F43B675}
_ELEMENTS = _NESTED | {
    *(0x1A45DFA3, 0xEC, 0xBF),  # EBML header, void, checksum
    *(0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1C53BB6B, 0x1941A469, 0x1043A770, 0x1254C367),
    *(0xE7, 0xA3, 0xA0, 0xA7, 0xAB),  # in a Cluster
}
_AC3_KILOBITS = (
    *(32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640),
)


def joined_files(source: Source) -> list[tuple[int, int]]:
    """The (start, end) of the files that were joined into one, as by `cat`; mostly a single one.

    Those that ffmpeg reads all of by itself are a single one here.
    """
    head = source.read(0, _LONGEST_BEGINNING)
    if head[4:8] in _BOXES:
        starts = _mp4_starts(source)
    else:
        found = next((pattern for pattern in _BEGINNINGS if pattern.match(head)), None)
        starts = list(source.search(found, _LONGEST_BEGINNING, 0)) if found else [0]
    # A tag at the end is damage to some of ffmpeg's decoders.
    return list(zip(starts, [*starts[1:], before_tags(source.read, source.size)], strict=True))


def _mp4_boxes(source: Source, start: int) -> Iterator[tuple[bytes, int, int]]:
    """The (name, start, end) of the boxes that are not in others."""
    for _ in range(_MAX_BOXES):
        head = source.read(start, 16)
        size = int.from_bytes(head[:4], "big")
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        if size < 8 or head[4:8] not in _BOXES:
            break
        yield head[4:8], start, start + size
        start += size


def _mp4_starts(source: Source) -> list[int]:
    """The boxes `ftyp` with which a file begins: one that has an index, `moov`."""
    starts, has_index = [0], False
    for name, start, _ in _mp4_boxes(source, 0):
        if name == b"moov":
            has_index = True
        elif name == b"ftyp" and has_index:
            starts.append(start)
            has_index = False
    return starts if has_index else starts[:-1] or [0]


def ends_too_early(source: Source, start: int, end: int) -> bool:
    """Whether the file at a place ends before its last box, chunk, element or packet does."""
    head = source.read(start, 16)
    find: Callable[[Source, int], int] | None = None
    if head[4:8] in _BOXES:
        find = _mp4_end
    elif head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        find = _avi_end
    elif head == _ASF:
        find = _asf_end
    elif head[:4] == b"FLV\x01":
        find = _flv_end
    elif head[:4] == _EBML:
        find = _matroska_end
    elif _TS_SYNC in (head[:1], head[4:5]):
        find = _mpeg_ts_end
    return find is not None and find(replace(source, size=end), start) > end


def _mp4_end(source: Source, start: int) -> int:
    end = start
    for _, _, end in _mp4_boxes(source, start):  # noqa: B007
        pass
    return end


def _avi_end(source: Source, start: int) -> int:
    """A long file is several chunks."""
    following: int | None = start
    while following is not None:
        start = following
        size = int.from_bytes(source.read(start + 4, 4), "little")
        if not 0 < size < UNKNOWN_SIZE:
            return start
        start += size  # without the 8 bytes before, which some programs count
        following = next((p for p in (start + 8, start) if source.read(p, 4) == b"RIFF"), None)
    return start


def _flv_end(source: Source, start: int) -> int:
    """A header, then tags, each with the length of the one before it."""
    start += 9
    while (head := source.read(start + 4, 4)) and head[0] in (8, 9, 18):  # sound, video, data
        start += 4 + 11 + int.from_bytes(head[1:], "big")
    return start


def _asf_end(source: Source, start: int) -> int:
    """A header, then the packets."""
    for _ in range(2):
        start += int.from_bytes(source.read(start + 16, 8), "little")
    return start


def _matroska_end(source: Source, start: int) -> int:
    """Elements have a number, whose first bit that is 1 tells its length, and a size alike."""
    while head := source.read(start, 12):
        length = 9 - head[0].bit_length()
        if int.from_bytes(head[:length], "big") not in _ELEMENTS or len(head) <= length:
            break
        width = 9 - head[length].bit_length()
        unknown = (1 << 7 * width) - 1
        size = int.from_bytes(head[length : length + width], "big") & unknown
        is_entered = size == unknown and int.from_bytes(head[:length], "big") in _NESTED
        start += length + width + (0 if is_entered else size)
    return start


def _mpeg_ts_end(source: Source, start: int) -> int:
    """Packets, the last of which may be incomplete."""
    packets = _mpeg_ts_packets(source, start)
    if packets is None:
        return start
    size, offset = packets
    last = start + (source.size - start - 1) // size * size
    return last + size if source.read(last + offset, 1) == _TS_SYNC else start


def _mpeg_ts_packets(source: Source, start: int) -> tuple[int, int] | None:
    """The size of packets, and where each begins to be like others; None: they are something else.

    They have 188 bytes, with 4 before or 16 after each in some files.
    """
    for size, offset in ((188, 0), (192, 4), (204, 0)):
        places = (start + offset + i * size for i in range(4))
        if all(source.read(place, 1) == _TS_SYNC for place in places):
            return size, offset
    return None


def is_mpeg_ts(source: Source) -> bool:
    """Whether a file is an MPEG transport stream, whose packets can hold frames of MPEG audio."""
    return _mpeg_ts_packets(source, 0) is not None


def frame_bytes(codec: str, packet: bytes) -> int:
    """The length of a frame of AC-3 or MPEG audio according to its header; 0: not known."""
    if codec.startswith(("mp1", "mp2", "mp3")):
        header = parse_header(packet[:4])
        return header.num_bytes if header else 0
    if codec not in ("ac3", "eac3") or packet[:2] != b"\x0bw" or len(packet) < 6:
        return 0
    if packet[5] >> 3 > 10:  # E-AC-3
        return 2 * (((packet[2] & 7) << 8 | packet[3]) + 1)
    rate, code = packet[4] >> 6, packet[4] & 63
    if rate == 3 or code // 2 >= len(_AC3_KILOBITS):
        return 0
    kilobits = _AC3_KILOBITS[code // 2]
    return (4 * kilobits, 2 * (320 * kilobits // 147 + code % 2), 6 * kilobits)[rate]
