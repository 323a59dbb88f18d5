"""Plans Ogg files (RFC 3533), including files of several joined streams and damaged ones.

libsndfile reads only the first stream. In streams that were joined, by radio stations or by `cat`,
each begins with its own headers; each is passed to libsndfile as a file of its own.
"""

from dataclasses import dataclass, field, replace

import soundfile

from speechlstm.audio.decoding import opened_sound
from speechlstm.audio.flac import plan_stream, read_stream, recovered
from speechlstm.audio.ogg_pages import FIRST, HEADER_BYTES, LAST, Page, checksum, pages
from speechlstm.audio.plan import Gap, Plan, Stretch
from speechlstm.audio.source import Source
from speechlstm.audio.tags import num_unread

_PRE_SKIP = 10  # position of the pre-skip in the Opus header
_OPUS_RATE = 48_000  # of Opus granules, for any sample rate of the recording
_NO_GRANULE = 2**64 - 1  # on pages where no packet ends


@dataclass
class _Link:
    """An audio stream from its first page to its last.

    Attributes:
        codec: "opus", "vorbis" or "flac"; "": another one.
        runs: Consecutive pages without damage between them; the first run has the headers.
        is_cut: Whether it ends with an incomplete page.
    """

    serial: int
    codec: str
    runs: list[list[Page]] = field(default_factory=lambda: [[]])
    is_cut: bool = False


def _codec(packet: bytes) -> str:
    for magic, codec in ((b"OpusHead", "opus"), (b"\x01vorbis", "vorbis"), (b"\x7fFLAC", "flac")):
        if packet.startswith(magic):
            return codec
    return ""


def _links(source: Source) -> tuple[list[_Link], int]:
    """The audio streams in their order, and the position after the last page.

    If several streams run in parallel, the first audio stream is taken. The pages of a stream whose
    first page is damaged form a link without a codec.
    """
    links: list[_Link] = []
    current: _Link | None = None
    known: set[int] = set()
    has_begun, after_damage, end = True, False, 0
    for page in pages(source):
        if page is None or page.is_damaged:
            after_damage = True
            continue
        end = page.end
        if page.flags & FIRST:
            if has_begun:  # first pages come before all others, so new streams begin here
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
        current.is_cut = is_page or not last.flags & LAST
    return links, end


def plan_ogg(source: Source) -> Plan | None:
    """The plan for an Ogg file; None if it has no stream that libsndfile can decode."""
    links, end = _links(source)
    if not any(link.codec for link in links):
        return None
    plan: Plan = []
    for link in links:
        if link.codec == "flac":
            plan += _plan_flac_link(source, link)
        else:
            plan += _plan_link(source, link)
    if plan and isinstance(last := plan[-1], Stretch):
        plan[-1] = replace(last, num_unread=num_unread(source.read, end, source.size))
    return plan


def _plan_flac_link(source: Source, link: _Link) -> Plan:
    """A FLAC stream is planned like a native one, because its frames contain their positions."""
    ranges = tuple((page.body, page.end) for run in link.runs for page in run)
    # Before the native stream: "\x7fFLAC", a version, the number of headers.
    inner = ((ranges[0][0] + 9, ranges[0][1]), *ranges[1:])
    stream = read_stream(source, inner)
    if stream is None:
        return [Gap(_last_granule(link.runs[-1]) / _OPUS_RATE)]
    num_samples = stream.num_samples or _last_granule(link.runs[-1])
    if len(link.runs) > 1:  # libFLAC fills gaps without reporting them
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
        # Pages that follow each other hold all packets, even where granules jump: ffmpeg writes
        # such files from timestamps that jitter, and libsndfile takes their length from granules.
        if run is link.runs[0]:
            stretch, start = Stretch(_ranges(run), is_whole=True), end
            num_decoded = max(0, _last_granule(run) - pre_skip)
        else:
            stretch = Stretch(_resumed(source, headers, run), is_whole=True)
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
    """The pages with the codec's headers (Opus: two packets, Vorbis: three); [] if damaged."""
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
    """The pages after damage, changed to follow the headers of their stream.

    libsndfile cannot read a stream with missing page numbers or with a last page first, and the
    samples that Opus skips at the start of a stream must not be skipped here.
    """
    pieces: list[bytes | tuple[int, int]] = []
    for number, page in enumerate([*headers, *run], start=headers[0].number):
        content = bytearray(source.read(page.start, page.end - page.start))
        if len(run) == 1:
            content[5] &= ~LAST
        if page.packet.startswith(b"OpusHead"):  # the pre-skip is for the start of the stream
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
    """The length of a stretch at the granules' rate; 0 if libsndfile cannot decode it."""
    try:
        with opened_sound(source, stretch) as sound:
            return int(sound.frames * rate // sound.samplerate)
    except soundfile.LibsndfileError:
        return 0


def _cut_seconds(source: Source, link: _Link, end: int, rate: int) -> float:
    """The duration of an incomplete last page, from its header or estimated from its size."""
    last = link.runs[-1][-1]
    head = source.read(last.end, HEADER_BYTES)
    if head[:5] == b"OggS\0" and len(head) == HEADER_BYTES:
        granule = int.from_bytes(head[6:14], "little")
        if granule != _NO_GRANULE and 0 < granule - end < 60 * rate:
            return (granule - end) / rate
    num_bytes = sum(page.end - page.start for run in link.runs for page in run)
    return (source.size - last.end) / max(1, num_bytes) * end / rate
