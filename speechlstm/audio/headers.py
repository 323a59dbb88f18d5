"""How many bytes of samples a header promises: WAV and its 64-bit kin, AIFF, AU, CAF, SPH, VOC.

libsndfile decodes what there is, and says nothing where that is less. Sizes that are not known, as
programs write them that do not know the end when they begin, are mended for it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import soundfile

from speechlstm.audio.decoding import opened_sound
from speechlstm.audio.plan import Gap, Pieces, Plan, Stretch
from speechlstm.audio.source import Source

# Sizes from here on mean "not known": ffmpeg writes 0xFFFFFFFF into a pipe, sox 0x7FFFF000 and
# 0x7F000008, by the container.
_UNKNOWN_SIZE = 0x7F000000
_UNKNOWN_LONG = 2**63 - 2**32
_MAX_CHUNKS = 1000  # before the samples; more are no chunks
_MAX_BLOCKS = 1_000_000
_VOC_SLACK = 16
_WRAP = 2**32
_W64_RIFF = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_W64_TAIL = bytes.fromhex("f3acd3118cd100c04f8edb8a")  # of its other chunks' names


@dataclass(frozen=True)
class _Samples:
    """Where the encoded samples lie.

    Attributes:
        start, end: In bytes.
        num_promised: Bytes that the header says there are.
        pieces: What libsndfile reads instead of the file, whose header it would get wrong.
        rest: Where another recording, joined to this one, begins; 0: there is none.
    """

    start: int
    end: int
    num_promised: int
    pieces: Pieces | None = None
    rest: int = 0


def plan_by_header(source: Source) -> Plan | None:
    """How a file is decoded whose header says how long it is; None where it is of another kind."""
    plan: Plan = []
    start = 0
    while True:
        head = source.read(start, 24)
        find = next((find for magic, find in _FORMATS.items() if head.startswith(magic)), None)
        samples = find(source, start) if find else None
        if samples is None:
            return plan or None
        plan += _plan(source, samples, start)
        if not samples.rest:
            return plan
        start = samples.rest


def _plan(source: Source, samples: _Samples, start: int) -> Plan:
    pieces = samples.pieces
    if pieces is None and (start or samples.rest):
        pieces = ((start, samples.rest or source.size),)
    stretch = Stretch(pieces)
    num_present = samples.end - samples.start
    num_missing = samples.num_promised - num_present
    if num_missing <= 0 or num_present <= 0:
        return [stretch, Gap(0.0)] if num_missing > 0 else [stretch]
    try:
        with opened_sound(source, stretch) as sound:
            seconds = sound.frames / sound.samplerate
    except soundfile.LibsndfileError:
        return [stretch]
    return [stretch, Gap(seconds * num_missing / num_present)]


def _riff(source: Source, start: int) -> _Samples | None:
    """WAV, RF64 and BW64 (EBU Tech 3306, ITU-R BS.2088)."""
    order = "big" if source.read(start, 4) == b"RIFX" else "little"
    if source.read(start + 8, 4) != b"WAVE":
        return None
    position, layout, long_data = start + 12, b"", 0
    for _ in range(_MAX_CHUNKS):
        head = source.read(position, 8)
        if len(head) < 8:
            return None
        name, size = head[:4], int.from_bytes(head[4:], order)  # type: ignore[arg-type]
        position += 8
        if name == b"ds64":
            long_data = int.from_bytes(source.read(position + 8, 8), "little")
        elif name == b"fmt ":
            layout = source.read(position, min(size, 1 << 16))
        elif name == b"data":
            break
        position += size + size % 2
    else:
        return None
    is_long = source.read(start, 4) in (b"RF64", b"BW64")
    if is_long and size == _WRAP - 1:
        size = long_data if 0 < long_data < _UNKNOWN_LONG else 0
        is_unknown = size == 0
    else:
        is_unknown = size >= _UNKNOWN_SIZE and position + size > source.size
    return _settled(source, start, position, size, is_unknown, is_long, layout, order)


def _settled(
    source: Source, start: int, position: int, size: int, is_unknown: bool, is_long: bool,
    layout: bytes, order: str,
) -> _Samples:  # fmt: skip
    """The samples of a WAV file: as its header has it, or all that follows where that is not so."""
    after = position + size + size % 2
    rest = 0
    if size == 0 and not _is_chunks(source, after):
        is_unknown = True
    elif not is_unknown and after < source.size and not _is_chunks(source, after):
        head = source.read(after, 12)
        if head[:4] in (b"RIFF", b"RF64") and head[8:] == b"WAVE":
            rest = after
        elif source.size - position >= _WRAP:  # a size that has run over 32 bits
            is_unknown = True
    if is_unknown or is_long or rest or start:
        end = source.size if is_unknown else min(source.size, position + size)
        pieces: Pieces | None = None
        if order == "little":
            fmt = b"fmt " + len(layout).to_bytes(4, "little") + layout + bytes(len(layout) % 2)
            sizes = (_WRAP - 1).to_bytes(4, "little")
            if end - position < _UNKNOWN_SIZE:
                sizes = (end - position).to_bytes(4, "little")
            head = b"RIFF" + b"\xff" * 4 + b"WAVE" + fmt + b"data" + sizes
            pieces = (head, (position, end))
        return _Samples(position, end, end - position if is_unknown else size, pieces, rest)
    return _Samples(position, min(source.size, position + size), size)


def _is_chunks(source: Source, position: int) -> bool:
    """Whether what follows is chunks, tags or filling up to the end, no samples."""
    for _ in range(_MAX_CHUNKS):
        if position >= source.size - 1:
            return True
        head = source.read(position, 8)
        if not any(head):
            return not any(source.read(position, 1 << 16))
        if head[:3] in (b"ID3", b"TAG") or head == b"APETAGEX":
            return True
        if head[:4] in (b"RIFF", b"RF64") or not all(32 <= byte < 127 for byte in head[:4]):
            return False
        if len(head) < 8:
            return True
        size = int.from_bytes(head[4:], "little")
        position += 8 + size + size % 2
    return False


def _w64(source: Source, start: int) -> _Samples | None:
    """Sony's Wave64: names of 16 bytes, sizes of 8 that include both, padded to 8."""
    position, layout = start + 40, b""
    for _ in range(_MAX_CHUNKS):
        head = source.read(position, 24)
        if len(head) < 24:
            return None
        size = int.from_bytes(head[16:], "little")
        if head[:4] == b"fmt ":
            layout = source.read(position + 24, min(max(0, size - 24), 1 << 16))
        if head[:4] == b"data" and head[4:16] == _W64_TAIL:
            position, size = position + 24, size - 24
            is_unknown = size <= 0 or size >= _UNKNOWN_LONG or size == _WRAP - 1 - 24
            return _settled(
                source, start, position, max(0, size), is_unknown, True, layout, "little"
            )
        if size < 24:
            return None
        position += size + -size % 8
    return None


def _aiff(source: Source, start: int) -> _Samples | None:
    """AIFF and AIFC."""
    if source.read(start + 8, 4) not in (b"AIFF", b"AIFC"):
        return None
    position = start + 12
    common: tuple[int, bytes] | None = None
    for _ in range(_MAX_CHUNKS):
        head = source.read(position, 8)
        if len(head) < 8:
            return None
        name, size = head[:4], int.from_bytes(head[4:], "big")
        position += 8
        if name == b"COMM":
            common = position, source.read(position, 18)
        if name == b"SSND":
            offset = int.from_bytes(source.read(position, 4), "big")
            return _aiff_samples(source, start, position, size, offset, common)
        position += size + size % 2
    return None


def _aiff_samples(
    source: Source, start: int, position: int, size: int, offset: int,
    common: tuple[int, bytes] | None,
) -> _Samples | None:  # fmt: skip
    first = position + 8 + offset
    present = max(0, source.size - first)
    promised = max(0, size - 8 - offset)
    is_unknown = size <= 8 or (size >= _UNKNOWN_SIZE and first + promised > source.size)
    if not is_unknown or common is None or not present:
        return _Samples(first, min(source.size, first + promised), promised)
    # Written into a pipe: the sizes of the file, of its samples, and their number are mended.
    at, fields = common
    frame_bytes = int.from_bytes(fields[:2], "big") * -(-int.from_bytes(fields[6:8], "big") // 8)
    num_frames = present // max(1, frame_bytes)
    pieces = (
        (start, start + 4),
        (source.size - start - 8).to_bytes(4, "big"),
        (start + 8, at + 2),
        num_frames.to_bytes(4, "big"),
        (at + 6, position - 4),
        (source.size - position).to_bytes(4, "big"),
        (position, source.size),
    )
    return _Samples(first, source.size, present, pieces)


def _au(source: Source, start: int) -> _Samples | None:
    """Sun's and NeXT's AU; a size of all ones means all that follows, as may one of zero."""
    order = "big" if source.read(start, 4) == b".snd" else "little"
    head = source.read(start, 24)
    if len(head) < 24:
        return None
    first = start + int.from_bytes(head[4:8], order)  # type: ignore[arg-type]
    size = int.from_bytes(head[8:12], order)  # type: ignore[arg-type]
    present = max(0, source.size - first)
    if size == 0 or (size >= _UNKNOWN_SIZE and size > present):
        pieces = ((start, start + 8), b"\xff" * 4, (start + 12, source.size))
        return _Samples(first, source.size, present, pieces)
    return _Samples(first, min(source.size, first + size), size)


def _caf(source: Source, start: int) -> _Samples | None:
    """Apple's Core Audio Format; a size of -1 means all that follows."""
    position = start + 8
    for _ in range(_MAX_CHUNKS):
        head = source.read(position, 12)
        if len(head) < 12:
            return None
        size = int.from_bytes(head[4:], "big", signed=True)
        position += 12
        if head[:4] == b"data":
            first, present = position + 4, max(0, source.size - position - 4)  # after edit count
            is_known = 4 < size < _UNKNOWN_LONG
            if is_known and position + size <= source.size:
                return _Samples(first, position + size, size - 4)
            length = (source.size - position).to_bytes(8, "big")
            pieces = ((start, position - 8), length, (position, source.size))
            return _Samples(first, source.size, size - 4 if is_known else present, pieces)
        if size < 0:
            return None
        position += size
    return None


def _sph(source: Source, start: int) -> _Samples | None:
    """NIST's SPHERE, whose header is text."""
    head = source.read(start, 16).split()
    if len(head) < 2 or not head[1].isdigit() or not 16 <= int(head[1]) <= 1 << 16:
        return None
    first = start + int(head[1])
    fields = {}
    for line in source.read(start, int(head[1])).decode("latin-1").splitlines():
        name, _, value = line.partition(" ")
        fields[name] = value.split(" ")[-1]
    try:
        count, width = int(fields.get("sample_count", 0)), int(fields.get("sample_n_bytes", 2))
        size = count * int(fields.get("channel_count", 1)) * width
    except ValueError:
        return None
    present = max(0, source.size - first)
    if size <= 0 or fields.get("sample_coding", "pcm") not in ("pcm", "ulaw", "alaw"):
        size = present
    return _Samples(first, min(source.size, first + size), size)


def _voc(source: Source, start: int) -> _Samples | None:
    """Creative's VOC: blocks of up to 16 MB."""
    position = start + int.from_bytes(source.read(start + 20, 2), "little")
    first = 0
    for _ in range(_MAX_BLOCKS):
        head = source.read(position, 4)
        is_near_end = source.size - position < _VOC_SLACK  # sox counts its blocks short
        if not 0 < head[0] < 10 or (first and is_near_end) if head else True:
            break
        first = first or (position if head[0] in (1, 2, 9) else 0)
        position += 4 + int.from_bytes(head[1:], "little")
    if not first:
        return None
    end = min(position, source.size)
    return _Samples(first, end, position - first)


_FORMATS: dict[bytes, Callable[[Source, int], _Samples | None]] = {
    b"RIFF": _riff,
    b"RIFX": _riff,
    b"RF64": _riff,
    b"BW64": _riff,
    _W64_RIFF: _w64,
    b"FORM": _aiff,
    b".snd": _au,
    b"dns.": _au,
    b"caff": _caf,
    b"NIST_1A": _sph,
    b"Creative Voice File": _voc,
}

# Ensoniq, Portable Voice, AVR, FastTracker, Psion, Octave; IRCAM, Octave, MIDI, Akai.
_RARE = (
    *(b" paf", b"fap ", b"PVF1", b"2BIT", b"Extended Instrument:", b"ALawSoundFile**", b"MATLAB 5"),
    *(b"\x64\xa3", b"\0\1\xa3\x64", b"\0\0\x03\xe8", b"\xf0\x7e", b"\x01\x04"),
)


def is_rare_format(source: Source) -> bool:
    """Whether a file is of another format that libsndfile reads.

    It must not guess itself: what it does not know it gives to libmpg123, which writes to stderr.
    """
    head = source.read(0, 32)
    if head[:4] == b"FORM":
        return head[8:12] in (b"8SVX", b"16SV")
    # HTK, which has no name in its header: samples, their period, bytes of one, their kind.
    num_samples, num_bytes = int.from_bytes(head[:4], "big"), int.from_bytes(head[8:10], "big")
    is_htk = head[10:12] == b"\0\0" and num_bytes == 2 and source.size == 12 + 2 * num_samples
    return is_htk or head.startswith(_RARE)
