"""Plans files whose header gives their length: WAV, RF64, W64, AIFF, AU, CAF, SPH and VOC.

libsndfile decodes the samples that are present and does not report that some are missing, so the
sizes in the header are compared with the file. Programs that write into a pipe leave sizes unknown;
for libsndfile these are replaced by the real ones.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Literal

import soundfile

from speechlstm.audio.decoding import opened_sound
from speechlstm.audio.mp3 import plan_mp3
from speechlstm.audio.plan import (
    MAX_CHUNKS,
    UNKNOWN_LONG,
    UNKNOWN_SIZE,
    EncodedSamples,
    Gap,
    Plan,
    Stretch,
)
from speechlstm.audio.riff import find_riff_samples, find_w64_samples
from speechlstm.audio.source import Source
from speechlstm.audio.tags import after_tags, num_unread
from speechlstm.audio.voc import find_voc_samples

# By magic: the byte order of chunks, the width of their sizes, what these are a multiple of.
_CHUNKS: dict[bytes, tuple[Literal["little", "big"], int, int]] = {
    b"RIFF": ("little", 4, 2),
    b"RF64": ("little", 4, 2),
    b"BW64": ("little", 4, 2),
    b"RIFX": ("big", 4, 2),
    b"FORM": ("big", 4, 2),
    b"caff": ("big", 8, 1),
}
_OTHERS = (b"fLaC", b"OggS", b"wvpk")  # which have letters as chunks do
_W64_RIFF = bytes.fromhex("726966662e91cf11a5d628db04c10000")


def plan_by_header(source: Source, start: int = 0) -> Plan | None:
    """The plan for a file whose header gives its length; None if the file has another format.

    Args:
        start: Where the header begins, after tags.
    """
    samples = _samples(source, start)
    if samples is None:
        return None
    plan: Plan = []
    while samples:
        end = next(_appended(source, start, samples), source.size)
        recording = replace(source, size=end)  # what follows can hide what is missing
        samples = _samples(recording, start) or samples
        plan += _plan(recording, samples, start, is_file=(start, end) == (0, source.size))
        start, samples = end, _samples(source, end)
    return plan


def _samples(source: Source, start: int) -> EncodedSamples | None:
    head = source.read(start, 24)
    find = next((find for magic, find in _FORMATS.items() if head.startswith(magic)), None)
    return find(source, start) if find else None


def _appended(source: Source, start: int, samples: EncodedSamples) -> Iterator[int]:
    """Where other recordings begin that were joined to the one at start, as by `cat`."""
    is_whole = samples.num_promised == samples.end - samples.start
    # If something unknown follows, the samples may be fewer than promised, and those of another.
    is_clear = is_whole and not _num_unread(source, samples)
    first = _after_chunks(source, start, samples) if is_clear else samples.start
    for start in source.find(_FORMATS, first):
        if found := _samples(source, start):
            try:  # without what follows, which libsndfile may refuse
                with opened_sound(source, Stretch(found.pieces or ((start, found.end),))):
                    yield start
            except soundfile.LibsndfileError:
                continue


def _after_chunks(source: Source, start: int, samples: EncodedSamples) -> int:
    """The position after the chunks behind the samples; a recording stored in one is not joined."""
    end = samples.end
    layout = _CHUNKS.get(source.read(start, 4))
    if layout is None:
        return end
    order, width, multiple = layout
    position = end + (end - samples.start) % multiple
    for _ in range(MAX_CHUNKS):
        head = source.read(position, 4 + width)
        size = int.from_bytes(head[4:], order)
        is_chunk = _is_chunk_name(head[:4]) and head[:4] not in _MAGICS
        is_tag = after_tags(source.read, position, source.size) > position
        if not is_chunk or is_tag or position + 4 + width + size > source.size:
            break
        end = position + 4 + width + size
        position = end + size % multiple
    return end


def _is_chunk_name(name: bytes) -> bool:
    return all(32 <= byte < 127 for byte in name) and name not in _OTHERS


def _num_unread(source: Source, samples: EncodedSamples) -> int:
    """The bytes after a recording that are not chunks, tags or padding, as of a stale header."""
    padding = (samples.end - samples.start) % 2
    position = after_tags(source.read, samples.end + padding, source.size)
    is_chunk = _is_chunk_name(source.read(position, 4))
    return 0 if is_chunk else num_unread(source.read, position, source.size)


def _plan(source: Source, samples: EncodedSamples, start: int, is_file: bool) -> Plan:
    if samples.is_mpeg and (plan := plan_mp3(replace(source, size=samples.end), samples.start)):
        return plan
    pieces = samples.pieces
    if pieces is None and not is_file:
        pieces = ((start, source.size),)
    stretch = Stretch(pieces, num_unread=_num_unread(source, samples))
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


def _aiff(source: Source, start: int) -> EncodedSamples | None:
    """AIFF and AIFF-C."""
    if source.read(start + 8, 4) not in (b"AIFF", b"AIFC"):
        return None
    position = start + 12
    common: tuple[int, bytes] | None = None
    for _ in range(MAX_CHUNKS):
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
) -> EncodedSamples | None:  # fmt: skip
    first = position + 8 + offset
    present = max(0, source.size - first)
    promised = max(0, size - 8 - offset)
    is_unknown = size <= 8 or (size >= UNKNOWN_SIZE and first + promised > source.size)
    if not is_unknown or common is None or not present:
        return EncodedSamples(first, min(source.size, first + promised), promised)
    # It was written into a pipe: replace the sizes of file and samples, and the number of frames.
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
    return EncodedSamples(first, source.size, 0, pieces)


def _au(source: Source, start: int) -> EncodedSamples | None:
    """Sun's and NeXT's AU. A size of all ones, or of zero, means everything that follows."""
    order = "big" if source.read(start, 4) == b".snd" else "little"
    head = source.read(start, 24)
    if len(head) < 24:
        return None
    first = start + int.from_bytes(head[4:8], order)  # type: ignore[arg-type]
    size = int.from_bytes(head[8:12], order)  # type: ignore[arg-type]
    present = max(0, source.size - first)
    if size == 0 or (size >= UNKNOWN_SIZE and size > present):
        pieces = ((start, start + 8), b"\xff" * 4, (start + 12, source.size))
        return EncodedSamples(first, source.size, 0, pieces)
    return EncodedSamples(first, min(source.size, first + size), size)


def _caf(source: Source, start: int) -> EncodedSamples | None:
    """Apple's Core Audio Format. A size of -1 means everything that follows."""
    position = start + 8
    for _ in range(MAX_CHUNKS):
        head = source.read(position, 12)
        if len(head) < 12:
            return None
        size = int.from_bytes(head[4:], "big", signed=True)
        position += 12
        if head[:4] == b"data":
            first = position + 4  # after edit count
            is_known = 4 < size < UNKNOWN_LONG
            if is_known and position + size <= source.size:
                return EncodedSamples(first, position + size, size - 4)
            length = (source.size - position).to_bytes(8, "big")
            pieces = ((start, position - 8), length, (position, source.size))
            return EncodedSamples(first, source.size, size - 4 if is_known else 0, pieces)
        if size < 0:
            return None
        position += size
    return None


def _sph(source: Source, start: int) -> EncodedSamples | None:
    """NIST's SPHERE, which has a text header."""
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
    # libsndfile takes all that follows for samples.
    pieces = ((start, first + size),) if 0 < size < present else None
    if size <= 0 or fields.get("sample_coding", "pcm") not in ("pcm", "ulaw", "alaw"):
        size, pieces = present, None
    return EncodedSamples(first, min(source.size, first + size), size, pieces)


_FORMATS: dict[bytes, Callable[[Source, int], EncodedSamples | None]] = {
    b"RIFF": find_riff_samples,
    b"RIFX": find_riff_samples,
    b"RF64": find_riff_samples,
    b"BW64": find_riff_samples,
    _W64_RIFF: find_w64_samples,
    b"FORM": _aiff,
    b".snd": _au,
    b"dns.": _au,
    b"caff": _caf,
    b"NIST_1A": _sph,
    b"Creative Voice File": find_voc_samples,
}
_MAGICS = {magic[:4] for magic in _FORMATS}
_NAMES = {
    **dict.fromkeys((b"RIFF", b"RIFX", b"RF64", b"BW64"), "WAV"),
    **dict.fromkeys((b".snd", b"dns."), "AU"),
    b"FORM": "AIFF",
    b"riff": "WAV (Wave64)",
    b"caff": "CAF",
    b"NIST_1A": "SPHERE",
    b"fLaC": "FLAC",
    b"ID3": "MP3",
}

# Ensoniq, Portable Voice, AVR, FastTracker, Psion, Octave; IRCAM, Octave, MIDI, Akai.
_RARE = (
    *(b" paf", b"fap ", b"PVF1", b"2BIT", b"Extended Instrument:", b"ALawSoundFile**", b"MATLAB 5"),
    *(b"\x64\xa3", b"\0\1\xa3\x64", b"\0\0\x03\xe8", b"\xf0\x7e", b"\x01\x04"),
)


def header_name(source: Source) -> str | None:
    """The name of a format that a file begins like, whatever follows; None: it is another one."""
    head = source.read(0, 12)
    kinds = {b"RIFF": (b"WAVE",), b"FORM": (b"AIFF", b"AIFC")}.get(head[:4])
    if kinds and len(head) == 12 and head[8:] not in kinds:  # such as a picture
        return None
    return next((name for magic, name in _NAMES.items() if head.startswith(magic)), None)


def is_rare_format(source: Source) -> bool:
    """Whether a file has another format that libsndfile reads.

    libsndfile must not detect formats itself, because it passes unknown files to libmpg123, which
    writes to stderr.
    """
    head = source.read(0, 32)
    if head[:4] == b"FORM":
        return head[8:12] in (b"8SVX", b"16SV")
    # HTK has no magic number; its header is: samples, sample period, bytes per sample, kind.
    num_samples, num_bytes = int.from_bytes(head[:4], "big"), int.from_bytes(head[8:10], "big")
    is_htk = head[10:12] == b"\0\0" and num_bytes == 2 and source.size == 12 + 2 * num_samples
    return is_htk or head.startswith(_RARE)
