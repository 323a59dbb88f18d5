import io
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from speechlstm.audio import read_audio, read_duration
from speechlstm.audio.containers import ends_too_early, frame_bytes, joined_files
from speechlstm.audio.source import opened
from speechlstm.errors import AudioError, DamagedAudioError

Mux = Callable[..., bytes]

FASTSTART = ("movflags", "+faststart")
FRAGMENTED = ("movflags", "frag_keyframe+empty_moov"), ("frag_duration", "500000")
LIVE = ("live", "1")

# Container, codec, sample rate, channels, options of the container.
MATRIX = [
    ("mp4", "aac", 16000, 1), ("mp4", "aac", 44100, 2, FASTSTART),
    ("mp4", "aac", 44100, 1, *FRAGMENTED), ("mov", "pcm_s16be", 16000, 1),
    ("caf", "alac", 44100, 1), ("webm", "libopus", 48000, 1), ("webm", "libopus", 48000, 1, LIVE),
    ("matroska", "pcm_f32le", 16000, 2), ("asf", "wmav2", 44100, 2),
    ("flv", "libmp3lame", 44100, 1), ("flv", "aac", 44100, 1), ("avi", "mp2", 44100, 2),
    ("avi", "pcm_s16le", 8000, 1), ("avi", "ac3", 32000, 2), ("mpegts", "aac", 48000, 2),
    ("mpegts", "ac3", 48000, 2), ("mpegts", "libopus", 48000, 1), ("mpegts", "mp2", 32000, 1),
    ("vob", "ac3", 48000, 2), ("mpeg", "mp2", 44100, 2), ("nut", "libmp3lame", 44100, 1),
    ("ac3", "ac3", 44100, 2), ("eac3", "eac3", 48000, 2), ("adts", "aac", 32000, 1),
    ("tta", "tta", 44100, 2), ("wv", "wavpack", 44100, 1),
]  # fmt: skip
JOINED = [*MATRIX, ("nut", "flac", 44100, 1), ("amr", "libopencore_amrnb", 8000, 1)]
QUICK = ("mp4", "asf", "ac3")


def shortened(rows: Sequence[tuple[object, ...]]) -> list[object]:
    return [r if r[0] in QUICK else pytest.param(r, marks=pytest.mark.slow) for r in rows]


def name(row: object) -> str:
    return "-".join(map(str, row)) if isinstance(row, tuple) else ""


@pytest.mark.parametrize("row", shortened(JOINED), ids=name)
def test_joined_files_are_all_read(muxed: Mux, row: tuple[object, ...]) -> None:
    content = muxed(*row)
    one = read_audio(io.BytesIO(content)).samples
    # Matroska, MPEG-TS and raw frames are one stream for ffmpeg: samples at the joint change.
    both = read_audio(io.BytesIO(content + content)).samples
    assert len(both) == pytest.approx(2 * len(one), abs=0.06 * int(str(row[2])))
    quarter = len(one) // 4
    for part in np.array_split(both, 8)[1::2]:
        assert np.sqrt(np.mean(part[:quarter] ** 2)) > 0.05


# Of VOB, a cut between two frames leaves no trace.
@pytest.mark.parametrize("row", shortened([r for r in MATRIX if r[0] != "vob"]), ids=name)
def test_a_file_that_ends_too_early_says_so(muxed: Mux, row: tuple[object, ...]) -> None:
    content = muxed(*row)
    read_audio(io.BytesIO(content))  # raises nothing
    for at in np.random.default_rng(1).integers(len(content) // 3, len(content) * 97 // 100, 5):
        with pytest.raises(AudioError, match=r"truncated|cannot be decoded"):
            read_audio(io.BytesIO(content[:at]))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("row", "size"),
    [(("mpegts", "ac3", 48000, 2), 188), (("mpegts", "mp2", 32000, 1), 188),
     (("mpeg", "mp2", 44100, 2), 2048)],
)  # fmt: skip
def test_a_part_of_a_broadcast_is_whole(muxed: Mux, row: tuple[object, ...], size: int) -> None:
    content = muxed(*row)
    count = len(content) // size
    for number in range(count * 3 // 4, count - 2, max(1, count // 40)):
        read_audio(io.BytesIO(content[: number * size]))  # raises nothing


def test_flv_without_the_length_of_its_last_tag_is_whole(muxed: Mux) -> None:
    content = muxed("flv", "libmp3lame", 44100, 1)
    whole = read_audio(io.BytesIO(content)).samples
    assert np.array_equal(read_audio(io.BytesIO(content[:-4])).samples, whole)
    with pytest.raises(DamagedAudioError, match="truncated"):
        read_audio(io.BytesIO(content[:-5]))


@pytest.mark.parametrize("codec", ["mp2", "pcm_s16le"])
def test_an_avi_that_was_written_into_a_pipe_is_whole(muxed: Mux, codec: str) -> None:
    content = bytearray(muxed("avi", codec, 44100))
    whole = read_audio(io.BytesIO(content)).samples
    length = content.index(b"strh") + 8 + 32
    content[4:8] = b"\xff" * 4
    content[length : length + 4] = (0x40000000).to_bytes(4, "little")  # as ffmpeg writes them
    assert np.array_equal(read_audio(io.BytesIO(content)).samples, whole)


@pytest.mark.parametrize("counted", [0, 8])  # some programs count the first bytes too
def test_the_second_chunk_of_a_long_avi_is_looked_at(tmp_path: Path, counted: int) -> None:
    content = b""
    for kind in (b"AVI ", b"AVIX"):
        content += b"RIFF" + (1004 + counted).to_bytes(4, "little") + kind + bytes(1000)
    (tmp_path / "a").write_bytes(content)
    with opened(tmp_path / "a") as source:
        assert not ends_too_early(source, 0, len(content))
        assert ends_too_early(source, 0, len(content) - 500)


@pytest.mark.slow
def test_many_boxes_take_no_memory(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\x08free" * 20_000)
    tracemalloc.start()
    with opened(tmp_path / "a") as source:
        assert joined_files(source) == [(0, source.size)]
        assert not ends_too_early(source, 0, source.size)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 19


@pytest.mark.parametrize("row", shortened(MATRIX), ids=name)
def test_a_tag_after_a_whole_file_makes_it_no_cut_one(muxed: Mux, row: tuple[object, ...]) -> None:
    content = muxed(*row)
    tagged = read_audio(io.BytesIO(content + b"TAG" + b"t" * 125)).samples  # raises nothing
    assert np.array_equal(tagged, read_audio(io.BytesIO(content)).samples)


@pytest.mark.slow
def test_files_of_different_rates_and_a_damaged_one_between_them(
    tmp_path: Path, muxed: Mux
) -> None:
    first, second = muxed("mp4", "aac", 16000), muxed("mp4", "aac", 44100, 2)
    (tmp_path / "a").write_bytes(first + second)
    seconds = [read_audio(io.BytesIO(content)).duration for content in (first, second)]
    assert read_audio(tmp_path / "a").duration == pytest.approx(sum(seconds), abs=1e-3)
    assert read_duration(tmp_path / "a") == pytest.approx(sum(seconds), abs=1e-3)
    damaged = bytearray(second)
    damaged[damaged.index(b"stbl") :] = bytes(len(second) - second.index(b"stbl"))
    (tmp_path / "a").write_bytes(first + damaged)
    with pytest.raises(DamagedAudioError, match="truncated at 2"):
        read_audio(tmp_path / "a")


def test_boxes_within_boxes_begin_no_file(muxed: Mux) -> None:
    content = muxed("mp4", "aac", 16000)
    at = content.index(b"mdat") - 4
    inner = (len(content) + 8).to_bytes(4, "big") + b"free" + content
    read = [read_audio(io.BytesIO(c)).duration for c in (content, content + inner)]
    assert at > 0
    assert read[0] == read[1]


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [("ac3", "ac3", 32000), ("ac3", "ac3", 44100), ("ac3", "ac3", 48000), ("eac3", "eac3", 48000),
     ("mp2", "mp2", 44100), ("mp3", "libmp3lame", 22050)],
)  # fmt: skip
def test_frames_are_as_long_as_the_encoder_made_them(
    muxed: Mux, container: str, codec: str, rate: int
) -> None:
    av = pytest.importorskip("av")
    with av.open(io.BytesIO(muxed(container, codec, rate))) as file:
        decoder = file.streams.audio[0].codec_context.name
        packets = [bytes(packet) for packet in file.demux(audio=0) if packet.size]
    assert len(packets) > 10
    assert all(frame_bytes(decoder, packet) == len(packet) for packet in packets)


def test_what_is_no_frame_has_no_length() -> None:
    for codec, packet in (
        ("ac3", b""), ("ac3", b"\x0bw"), ("ac3", bytes(10)), ("aac", b"\x0bw" + bytes(10)),
        ("ac3", b"\x0bw\0\0\xc0\0"), ("ac3", b"\x0bw\0\0\x3f\0"), ("mp2", b"\xff\0\0\0"),
    ):  # fmt: skip
        assert frame_bytes(codec, packet) == 0
