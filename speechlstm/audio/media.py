"""Decodes formats that libsndfile does not know, with PyAV (extra `media`): M4A, WebM, WMA, AMR."""

from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from speechlstm.audio.containers import ends_too_early, frame_bytes, is_mpeg_ts, joined_files
from speechlstm.audio.decoding import BLOCK_SAMPLES, Block
from speechlstm.audio.plan import Gap
from speechlstm.audio.source import Excerpt, Source
from speechlstm.errors import AudioError

# Allowed demuxers of ffmpeg. Playlists and the like are not: they open other files and addresses.
_FORMATS = (
    "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,asf_o,au,avi,caf,dsf,dts,dtshd,eac3,flac,flv,gsm,latm,"
    "loas,m4v,matroska,webm,matroska\\,webm,mov,mp4,m4a,3gp,3g2,mj2,mov\\,mp4\\,m4a\\,3gp\\,3g2\\,"
    "mj2,mp3,mpc,mpc8,mpeg,mpegts,mxf,nut,ogg,rm,shn,tak,truehd,tta,voc,w64,wav,wv,xwma"
)
# The types of samples, and full scale.
_TYPES = {
    "u8": ("u1", 2.0**7), "s16": ("i2", 2.0**15), "s32": ("i4", 2.0**31), "s64": ("i8", 2.0**63),
    "flt": ("f4", 1.0), "dbl": ("f8", 1.0),
}  # fmt: skip
# Formats whose header has the duration; for others, ffmpeg estimates it from the bit rate.
_MEASURED = {
    "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "asf",
    "wv", "tta", "ape", "tak", "mpc", "mpc8",
}  # fmt: skip
# Their files are packets of these sizes, in which frames begin and end anywhere: a part of a
# broadcast is no damage.
_PACKETS = {"mpegts": (188, 192, 204), "mpeg": (2048,)}
_LEAST_LATE, _MOST_LATE = 0.05, 3600.0  # seconds; sound begins after pictures, a clock was set
_LEAST_LOSS = 1e-3  # seconds; of a file that ends within a packet
_DURATION_SLACK = 0.5  # seconds; headers round durations, and include codec delays


def format_name(source: Source) -> str | None:
    """The name of a format that libsndfile does not know, from the first bytes of a file."""
    head = source.read(0, 16)
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "AVI"
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"wide"):
        return "MP4, M4A or MOV"
    if head[:1] == b"\xff" and len(head) > 1 and head[1] & 0xF6 == 0xF0:
        return "AAC"
    names = {
        b"\x1aE\xdf\xa3": "WebM or Matroska",
        b"0&\xb2u\x8ef\xcf\x11": "WMA",
        b"#!AMR": "AMR",
        b"\x0bw": "AC-3",
        b"\x7f\xfe\x80\x01": "DTS",  # which has what looks like frames of MPEG audio
        b"nut/multimedia": "NUT",
        b"\x06\x0e+4": "MXF",
        b"DSD ": "DSF",
        b"tBaK": "TAK",
        b"MP+": "Musepack",
        b"MPCK": "Musepack",
        b"FLV\x01": "FLV",
        b"wvpk": "WavPack",
        b"MAC ": "Monkey's Audio",
        b"TTA1": "TTA",
        b".RMF": "RealMedia",
        b"\0\0\x01\xba": "MPEG or VOB",  # has frames of MP2, but not one after the other
        b"OggS": "Ogg with a codec other than Vorbis, Opus and FLAC",
    }
    name = next((name for magic, name in names.items() if head.startswith(magic)), None)
    return "MPEG-TS" if name is None and is_mpeg_ts(source) else name


def decoded(source: Source, fault: str | None = None) -> Iterator[Block | Gap]:
    """Decode a recording, and yield its blocks and the gaps between them.

    Args:
        fault: Why libsndfile cannot decode it, for the error message; None: it has a format that
            libsndfile does not know.

    Raises:
        AudioError: PyAV is not installed, or cannot decode the recording either.
    """
    name = format_name(source)
    try:
        import av  # imported here because it takes 0.1 s
    except ModuleNotFoundError:
        reason = f"is {name}" if name else "is not audio of a known format"
        reason = f"cannot be decoded: {fault}" if fault else reason
        raise AudioError(
            source.path, f"{reason}; for more formats run: pip install 'speechlstm[media]'"
        ) from None
    known = name and f"it is {name.partition(' with ')[0]}, but damaged or not whole"
    fault = fault or known or "it is not audio of a known format"
    for start, end in joined_files(source):
        try:
            yield from _decoded_file(av, source, start, end, fault)
        except AudioError:
            if not start:
                raise
            yield Gap(_LEAST_LOSS)


def _decoded_file(
    av: Any, source: Source, start: int, end: int, fault: str
) -> Iterator[Block | Gap]:
    # Not the file itself: PyAV prints errors of its methods, such as seeking before the start, but
    # an Excerpt raises none.
    file = Excerpt(source, [(start, end)])
    is_cut = ends_too_early(source, start, end)
    # Before version 19, PyAV refused files with tags that are not UTF-8; then the option went.
    tags: Any = {"metadata_errors": "replace"} if int(av.__version__.partition(".")[0]) < 19 else {}
    try:
        with av.open(
            file, io_open=_refused, container_options={"format_whitelist": _FORMATS}, **tags
        ) as container:
            stream = container.streams.best("audio")
            if stream is None:
                raise AudioError(source.path, "has no audio stream that can be decoded")
            expected = _expected_seconds(container, stream)
            yield from _silence_before(container, stream)
            yield from _stream_blocks(container, stream, av.FFmpegError, is_cut, expected)
    except av.FFmpegError:  # "invalid data found when processing input", of anything
        raise AudioError(source.path, f"cannot be decoded: {fault}") from None
    except (ValueError, OSError) as error:
        raise AudioError(source.path, f"cannot be decoded: {_reason(error)}") from None


def _refused(url: str, *_: Any) -> NoReturn:
    raise PermissionError(f"refers to another file ({url[:80]})")


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).splitlines()[0]


def _stream_blocks(
    container: Any, stream: Any, error_type: type[Exception], is_cut: bool, expected: float
) -> Iterator[Block | Gap]:
    seconds, has_decoded, last = 0.0, False, b""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except error_type:  # the file ends within a packet
            packet, is_cut = None, True
        if packet is None:
            break
        last = bytes(packet) or last
        try:
            frames = packet.decode()
        except error_type:
            if packet.duration:
                lost = float(packet.duration * packet.time_base)
                seconds += lost
                yield Gap(lost)
            continue
        for frame in frames:
            block = Block(_samples(frame), frame.sample_rate)
            seconds += len(block.samples) / block.sample_rate
            has_decoded = True
            yield block
    if not has_decoded:
        raise ValueError("no audio could be decoded")
    missing = expected - seconds
    if all(container.size % size for size in _PACKETS.get(container.format.name, ())):
        is_cut = is_cut or len(last) < frame_bytes(stream.codec_context.name, last)
    if is_cut or missing > _DURATION_SLACK:
        yield Gap(max(_LEAST_LOSS, missing))


def _silence_before(container: Any, stream: Any) -> Iterator[Block]:
    """Silence in place of a time at the start that has pictures only, for the times of words."""
    starts = container.start_time, stream.start_time
    if not container.streams.video or None in starts:
        return
    late = float(stream.start_time * stream.time_base) - container.start_time / 1e6
    if not _LEAST_LATE <= late <= _MOST_LATE:
        return
    rate, num_channels = stream.codec_context.sample_rate, stream.codec_context.channels
    left = round(late * rate)
    while left > 0:
        yield Block(np.zeros((min(left, BLOCK_SAMPLES), num_channels), np.float32), rate)
        left -= BLOCK_SAMPLES


def _expected_seconds(container: Any, stream: Any) -> float:
    """The duration of the stream according to its header; 0: it has none."""
    if container.format.name not in _MEASURED:
        return 0.0
    if stream.duration and container.format.name != "asf":  # there it is that of the pictures, too
        return float(stream.duration * stream.time_base)
    if container.duration and len(container.streams) == 1:
        return float(container.duration) / 1e6
    return 0.0


def _samples(frame: Any) -> NDArray[np.float32]:
    """The samples of one of ffmpeg's frames, (num_samples, num_channels)."""
    # Not by to_ndarray: of eight channels and more, PyAV reads planes that do not exist: a crash.
    dtype, scale = _TYPES[frame.format.name.removesuffix("p")]
    num_channels, is_planar = len(frame.layout.channels), frame.format.is_planar
    width = 1 if is_planar else num_channels
    planes = [
        np.frombuffer(plane, dtype, frame.samples * width).reshape(-1, width)
        for plane in frame.planes[: num_channels // width]
    ]
    array = np.hstack(planes)
    if scale == 1:
        return np.ascontiguousarray(array, np.float32)
    centre = scale if dtype == "u1" else 0.0
    samples: NDArray[np.float32] = ((array.astype(np.float64) - centre) / scale).astype(np.float32)
    return samples
