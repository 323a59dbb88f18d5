"""Ogg (RFC 3533): every stream of a file, one after the other, and where pages are damaged.

libsndfile reads the first stream alone; streams joined together, as radio stations and `cat` make
them, follow each other with headers of their own. Each goes to libsndfile as a file of its own.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import soundfile

from speechlstm.audio.decoding import opened_sound
from speechlstm.audio.flac import plan_stream, read_stream, recovered
from speechlstm.audio.plan import Gap, Plan, Stretch
from speechlstm.audio.source import Source

_HEADER_BYTES = 27
_PRE_SKIP = 10  # where Opus' header has its run-up
_OPUS_RATE = 48_000  # of its granules, whatever that of its sound was
_LARGEST_PAGE = _HEADER_BYTES + 255 + 255 * 255
_CHUNK_BYTES = 1 << 20
_CONTINUED, _FIRST, _LAST = 1, 2, 4
_NO_GRANULE = 2**64 - 1  # on pages on which no packet ends
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True)
class Page:
    """A page.

    Attributes:
        start, end: Where it lies, in bytes.
        body: Where its packets begin.
        flags: 1: it begins within a packet; 2, 4: it is its stream's first, last one.
        granule: Samples of the stream by its end, as its codec counts.
        serial: Of the stream.
        number: In the stream.
        packet: The first bytes of its body.
        num_ended: Packets that end on it.
        is_damaged: Its checksum is another.
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


@dataclass
class _Link:
    """A stream of sound, of one codec, from its first page to its last.

    Attributes:
        serial: Its number.
        codec: "opus", "vorbis" or "flac"; "": another.
        runs: Pages without damage between them; those with the headers come first.
        is_cut: A page at its end is not whole.
    """

    serial: int
    codec: str
    runs: list[list[Page]] = field(default_factory=lambda: [[]])
    is_cut: bool = False


def checksum(page: bytes) -> int:
    """The CRC-32 of a page whose field for it is zero, with Ogg's polynomial and bit order.

    zlib's, a hundred times as fast as a loop, has the bits of each byte and of the sum reversed.
    """
    reversed_sum = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(reversed_sum.to_bytes(4, "little").translate(_REVERSED), "big")


def pages(source: Source) -> Iterator[Page | None]:
    """The pages of a file; None in place of bytes that are none."""
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


def _parse(chunk: bytes, at: int, base: int) -> Page | None:
    head = chunk[at : at + _HEADER_BYTES]
    if len(head) < _HEADER_BYTES or head[:5] != b"OggS\0":
        return None
    lacing = chunk[at + _HEADER_BYTES : at + _HEADER_BYTES + head[26]]
    body = at + _HEADER_BYTES + head[26]
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


def _codec(packet: bytes) -> str:
    for magic, codec in ((b"OpusHead", "opus"), (b"\x01vorbis", "vorbis"), (b"\x7fFLAC", "flac")):
        if packet.startswith(magic):
            return codec
    return ""


def _links(source: Source) -> list[_Link]:
    """The streams of sound, in their order, as far as pages tell them.

    Where streams run side by side, the first with sound is taken. The pages of a stream whose first
    one is damaged make one without a codec.
    """
    links: list[_Link] = []
    current: _Link | None = None
    known: set[int] = set()
    has_begun, after_damage = True, False
    for page in pages(source):
        if page is None or page.is_damaged:
            after_damage = True
            continue
        if page.flags & _FIRST:
            if has_begun:  # all first pages come before any other: these are new streams
                current, known, has_begun = None, set(), False
            known.add(page.serial)
            if current is None and (codec := _codec(page.packet)):
                current = _Link(page.serial, codec)
                links.append(current)
                after_damage = False
        else:
            has_begun = True
            if page.serial not in known:
                current = _Link(page.serial, "")
                known.add(page.serial)
                links.append(current)
        if current and page.serial == current.serial:
            run = current.runs[-1]
            if run and (after_damage or page.number != (run[-1].number + 1) % 2**32):
                current.runs.append([])
            current.runs[-1].append(page)
            after_damage = False
    if current and current.runs[-1] and after_damage:
        last = current.runs[-1][-1]
        is_page = source.read(last.end, 4) == b"OggS"
        current.is_cut = is_page or not last.flags & _LAST
    return links


def plan_ogg(source: Source) -> Plan | None:
    """How an Ogg file is decoded; None where it holds no stream that libsndfile knows."""
    links = _links(source)
    if not any(link.codec for link in links):
        return None
    plan: Plan = []
    for link in links:
        if link.codec == "flac":
            plan += _plan_flac_link(source, link)
        else:
            plan += _plan_link(source, link)
    return plan


def _plan_flac_link(source: Source, link: _Link) -> Plan:
    """As native FLAC, for its frames know themselves where they belong."""
    ranges = tuple((page.body, page.end) for run in link.runs for page in run)
    # Before the native stream: "\x7fFLAC", a version, the number of headers.
    inner = ((ranges[0][0] + 9, ranges[0][1]), *ranges[1:])
    stream = read_stream(source, inner)
    if stream is None:
        return [Gap(_last_granule(link.runs[-1]) / _OPUS_RATE)]
    num_samples = stream.num_samples or _last_granule(link.runs[-1])
    if len(link.runs) > 1:  # libFLAC fills up what is missing without a word
        return recovered(source, stream, num_samples, 0)
    plan = plan_stream(source, stream, num_samples)
    if link.is_cut and not stream.num_samples:
        plan.append(Gap(_cut_seconds(source, link, num_samples, stream.sample_rate)))
    return plan


def _plan_link(source: Source, link: _Link) -> Plan:
    headers = _header_pages(link)
    rate = _vorbis_rate(link.runs[0]) if link.codec == "vorbis" else _OPUS_RATE
    if not headers:
        return [Gap(_last_granule(link.runs[-1]) / rate)]
    plan: Plan = []
    end = pre_skip = _pre_skip(headers[0]) if link.codec == "opus" else 0  # granules
    for run in link.runs:
        if run is link.runs[0]:
            stretch, start = Stretch(_ranges(run)), end
            num_decoded = max(0, _last_granule(run) - pre_skip)
        else:
            stretch = Stretch(_resumed(source, headers, run))
            num_decoded = _num_samples(source, stretch, rate)
            start = max(end, _last_granule(run) - num_decoded)
        if start > end:
            plan.append(Gap((start - end) / rate))
        if num_decoded:
            plan.append(stretch)
        end = max(end, _last_granule(run))
    if link.is_cut:
        plan.append(Gap(_cut_seconds(source, link, end, rate)))
    return plan


def _header_pages(link: _Link) -> list[Page]:
    """The pages with the codec's headers, two packets of Opus, three of Vorbis; none if damaged."""
    wanted, num_ended = {"opus": 2, "vorbis": 3, "": 0}[link.codec], 0
    for number, page in enumerate(link.runs[0], start=1):
        num_ended += page.num_ended
        if num_ended >= wanted > 0:
            return link.runs[0][:number]
    return []


def _pre_skip(page: Page) -> int:
    return int.from_bytes(page.packet[_PRE_SKIP : _PRE_SKIP + 2], "little")


def _vorbis_rate(run: list[Page]) -> int:
    return max(1, int.from_bytes(run[0].packet[12:16], "little"))


def _last_granule(run: list[Page]) -> int:
    return next((p.granule for p in reversed(run) if p.granule != _NO_GRANULE), 0)


def _ranges(run: list[Page]) -> tuple[bytes | tuple[int, int], ...]:
    joined: list[tuple[int, int]] = []
    for page in run:
        if joined and joined[-1][1] == page.start:
            joined[-1] = (joined[-1][0], page.end)
        else:
            joined.append((page.start, page.end))
    return tuple(joined)


def _resumed(
    source: Source, headers: list[Page], run: list[Page]
) -> tuple[bytes | tuple[int, int], ...]:
    """The pages after damage, as though they followed their stream's headers.

    libsndfile stumbles over numbers that are missing, over a last page that comes first, and over
    the samples that Opus leaves out at its start.
    """
    pieces: list[bytes | tuple[int, int]] = []
    for number, page in enumerate([*headers, *run], start=headers[0].number):
        content = bytearray(source.read(page.start, page.end - page.start))
        if len(run) == 1:
            content[5] &= ~_LAST
        if page.packet.startswith(b"OpusHead"):  # its run-up is that of the stream's start
            at = page.body - page.start + _PRE_SKIP
            content[at : at + 2] = bytes(2)
        content[18:22] = (number % 2**32).to_bytes(4, "little")
        content[22:26] = bytes(4)
        content[22:26] = checksum(bytes(content)).to_bytes(4, "little")
        is_header = page in headers
        num_bytes = len(content) if is_header else page.body - page.start
        pieces.append(bytes(content[:num_bytes]))
        if not is_header:
            pieces.append((page.body, page.end))
    return tuple(pieces)


def _num_samples(source: Source, stretch: Stretch, rate: int) -> int:
    """Of a stretch, at the rate of its granules; 0 where libsndfile cannot decode it."""
    try:
        with opened_sound(source, stretch) as sound:
            return int(sound.frames * rate // sound.samplerate)
    except soundfile.LibsndfileError:
        return 0


def _cut_seconds(source: Source, link: _Link, end: int, rate: int) -> float:
    """How much a page that is not whole would have held, by what its header says or its size."""
    last = link.runs[-1][-1]
    head = source.read(last.end, _HEADER_BYTES)
    if head[:5] == b"OggS\0" and len(head) == _HEADER_BYTES:
        granule = int.from_bytes(head[6:14], "little")
        if granule != _NO_GRANULE and 0 < granule - end < 60 * rate:
            return (granule - end) / rate
    num_bytes = sum(page.end - page.start for run in link.runs for page in run)
    return (source.size - last.end) / max(1, num_bytes) * end / rate
