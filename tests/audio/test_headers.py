import io
import re
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import soundfile

from speechlstm.audio import read_audio, read_duration
from speechlstm.audio.headers import plan_by_header
from speechlstm.audio.source import Source, opened
from speechlstm.audio.voc import find_voc_samples
from speechlstm.errors import AudioError, DamagedAudioError

Encode = Callable[..., bytes]
CONTAINERS = ["WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "NIST", "VOC"]


def written(folder: Path, content: bytes) -> Path:
    (folder / "a").write_bytes(content)
    return folder / "a"


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("channels", [1, 2])
def test_a_whole_file_is_whole(
    tmp_path: Path, encoded: Encode, container: str, channels: int
) -> None:
    path = written(tmp_path, encoded(container, "PCM_16", 1.0, 16000, channels))
    assert read_duration(path) == 1.0
    assert len(read_audio(path).samples) == 16000


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("share", [0.2, 0.7, 0.97])
def test_a_file_that_ends_too_early_says_what_is_lost(
    tmp_path: Path, encoded: Encode, container: str, share: float
) -> None:
    content = encoded(container, "PCM_16", 2.0, 16000)
    whole = read_audio(written(tmp_path, content)).samples
    path = written(tmp_path, content[: int(share * len(content))])
    with pytest.raises(DamagedAudioError, match="truncated at") as caught:
        read_audio(path)
    ((start, end),) = caught.value.lost
    assert (start, end) == pytest.approx((2 * share, 2.0), abs=0.15)  # headers of 4 kB
    samples = caught.value.partial.samples
    assert np.array_equal(samples, whole[: len(samples)])
    with pytest.raises(DamagedAudioError, match="truncated"):
        read_duration(path)


@pytest.mark.parametrize("container", ["WAV", "WAVEX", "AIFF", "AU"])
@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFF000, 0x7F000008])
def test_sizes_that_are_not_known(
    tmp_path: Path, encoded: Encode, container: str, size: int
) -> None:
    content = encoded(container, "PCM_16", 1.0, 16000)
    marker, order = {"AIFF": (b"SSND", ">"), "AU": (b".snd", ">")}.get(container, (b"data", "<"))
    at = content.index(marker) + (8 if container == "AU" else 4)
    changed = content[:at] + struct.pack(f"{order}I", size) + content[at + 4 :]
    whole = read_audio(written(tmp_path, content)).samples
    path = written(tmp_path, changed)
    assert np.array_equal(read_audio(path).samples, whole)
    assert read_duration(path) == 1.0


@pytest.mark.parametrize("size", [0, 2**64 - 1])
def test_long_sizes_that_are_not_known(tmp_path: Path, encoded: Encode, size: int) -> None:
    content = encoded("RF64", "PCM_16", 1.0, 16000)
    at = content.index(b"ds64") + 16
    changed = content[:at] + struct.pack("<Q", size) + content[at + 8 :]
    assert read_audio(written(tmp_path, changed)).duration == 1.0
    content = encoded("W64", "PCM_16", 1.0, 16000)
    at = content.index(b"data") + 16
    changed = content[:at] + struct.pack("<Q", size) + content[at + 8 :]
    assert read_audio(written(tmp_path, changed)).duration == 1.0
    content = encoded("CAF", "PCM_16", 1.0, 16000)
    at = content.index(b"data") + 4
    changed = content[:at] + b"\xff" * 8 + content[at + 8 :]
    assert read_audio(written(tmp_path, changed)).duration == pytest.approx(1.0)


@pytest.mark.parametrize("magic", [b"RIFF", b"RIFX"])
@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_wav_of_either_byte_order_may_have_no_size(
    tmp_path: Path, encoded: Encode, magic: bytes, size: int
) -> None:
    order = "<" if magic == b"RIFF" else ">"
    samples, rate = soundfile.read(io.BytesIO(encoded("WAV", "PCM_16", 1.0, 16000)), dtype="int16")
    fmt = struct.pack(f"{order}IHHIIHH", 16, 1, 1, rate, 2 * rate, 2, 16)
    head = magic + bytes(4) + b"WAVEfmt " + fmt + b"data" + struct.pack(f"{order}I", size)
    path = written(tmp_path, head + samples.astype(f"{order}i2").tobytes())
    assert np.array_equal(read_audio(path).samples, samples / np.float32(32768))


@pytest.mark.parametrize("name", [b"note", b"LIST"])
@pytest.mark.parametrize("has_padding", [True, False])
def test_chunks_of_odd_length_may_lack_their_padding(
    tmp_path: Path, encoded: Encode, name: bytes, has_padding: bool
) -> None:
    content = encoded("WAV", "PCM_16", 1.0, 16000)
    chunk = name + struct.pack("<I", 5) + b"hello" + b"\0" * has_padding
    at = content.index(b"data")
    path = written(tmp_path, content[:at] + chunk + chunk + content[at:])
    whole, _ = soundfile.read(io.BytesIO(content), dtype="float32")
    assert np.array_equal(read_audio(path).samples, whole)
    assert read_duration(path) == 1.0
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(DamagedAudioError, match=r"truncated at 0\.97 s"):
        read_audio(path)


@pytest.mark.parametrize("num_counted", [0, 8])  # less than the whole header
def test_a_size_that_counts_the_header_is_no_loss(
    tmp_path: Path, encoded: Encode, num_counted: int
) -> None:
    content = encoded("WAV", "PCM_16", 1.0, 16000)
    at = content.index(b"data") + 4
    size = struct.pack("<I", len(content) - num_counted)
    path = written(tmp_path, content[:at] + size + content[at + 4 :])
    assert read_audio(path).duration == read_duration(path) == 1.0
    for cut in (path.read_bytes()[:-2], content[:-44]):  # 44: the header's
        with pytest.raises(DamagedAudioError, match="truncated"):
            read_audio(written(tmp_path, cut))


def test_an_empty_data_chunk_before_others_is_empty(tmp_path: Path, encoded: Encode) -> None:
    content = encoded("WAV", "PCM_16", 1.0, 16000)
    head = content[: content.index(b"data")] + b"data" + bytes(4)
    path = written(tmp_path, head + b"LIST" + struct.pack("<I", 6) + b"notes\0")
    with pytest.raises(AudioError, match="has no samples"):
        read_audio(path)


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_tag_before_the_header_does_no_harm(
    tmp_path: Path, encoded: Encode, container: str
) -> None:
    content = encoded(container, "PCM_16", 1.0, 16000)
    whole = read_audio(written(tmp_path, content)).samples
    tag = b"ID3\x03\0\0\0\0\x02\x2c" + bytes(range(1, 151)) * 2
    path = written(tmp_path, tag + content)
    assert np.array_equal(read_audio(path).samples, whole)
    assert read_duration(path) == 1.0


def test_samples_in_several_chunks_are_all_read(tmp_path: Path, encoded: Encode) -> None:
    content = encoded("WAV", "PCM_16", 1.0, 16000)
    whole = read_audio(written(tmp_path, content)).samples
    at = content.index(b"data") + 4
    first, second = content[at + 4 : at + 10_004], content[at + 10_004 :]
    chunks = [struct.pack("<I", len(first)) + first, b"LIST" + struct.pack("<I", 4) + b"INFO"]
    chunks.append(b"data" + struct.pack("<I", len(second)) + second)
    path = written(tmp_path, content[:at] + b"".join(chunks))
    assert np.array_equal(read_audio(path).samples, whole)
    assert read_duration(path) == 1.0


def unknown_size(content: bytes, container: str) -> bytes:
    """As written into a pipe."""
    marker, order = {"AIFF": (b"SSND", ">"), "AU": (b".snd", ">")}.get(container, (b"data", "<"))
    at = content.index(marker) + (8 if container == "AU" else 4)
    if container in ("W64", "CAF"):
        at += 12 * (container == "W64")
        return content[:at] + b"\xff" * 8 + content[at + 8 :]
    return content[:at] + struct.pack(f"{order}I", 0xFFFFFFFF) + content[at + 4 :]


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("subtype", ["PCM_16", "ULAW"])
def test_joined_files_are_all_read(
    tmp_path: Path, encoded: Encode, container: str, subtype: str
) -> None:
    first, second = (encoded(container, subtype, seconds, 16000) for seconds in (1.0, 1.5))
    parts = [read_audio(written(tmp_path, content)).samples for content in (first, second)]
    path = written(tmp_path, first + second + first)
    expected = np.concatenate([*parts, parts[0]])
    assert np.array_equal(read_audio(path).samples, expected)
    assert read_duration(path) == pytest.approx(len(expected) / 16000)


@pytest.mark.parametrize("container", ["WAV", "WAVEX", "W64", "AIFF", "AU", "CAF"])
def test_joined_files_of_unknown_size_are_all_read(
    tmp_path: Path, encoded: Encode, container: str
) -> None:
    first, second = (
        unknown_size(encoded(container, "PCM_16", seconds, 16000), container)
        for seconds in (1.0, 1.5)
    )
    parts = [read_audio(written(tmp_path, content)).samples for content in (first, second)]
    path = written(tmp_path, first + second)
    assert np.array_equal(read_audio(path).samples, np.concatenate(parts))


@pytest.mark.parametrize("container", ["WAV", "RF64", "AIFF", "CAF"])
def test_tags_after_the_samples_do_not_hide_another_file(tmp_path: Path, container: str) -> None:
    samples = np.arange(16000, dtype=np.int16)
    with soundfile.SoundFile(tmp_path / "a", "w", 16000, 1, "PCM_16", format=container) as file:
        file.write(samples)
        file.title = "after the samples"
    content = (tmp_path / "a").read_bytes()
    assert content.rindex(b"after the samples") > 32000
    assert read_audio(written(tmp_path, content + content)).duration == 2.0


def test_of_many_joined_files_each_byte_is_read_a_few_times(
    tmp_path: Path, encoded: Encode, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = encoded("WAV", "PCM_16", 0.1, 16000)
    read, num_read = Source.read, 0

    def counted(source: Source, start: int, num_bytes: int) -> bytes:
        nonlocal num_read
        found = read(source, start, num_bytes)
        num_read += len(found)
        return found

    monkeypatch.setattr(Source, "read", counted)
    with opened(written(tmp_path, 300 * content)) as source:
        assert len(plan_by_header(source) or []) == 300
    assert num_read < 10 * 300 * len(content)


def test_markers_are_found_wherever_the_parts_that_are_searched_end(tmp_path: Path) -> None:
    places = [4090, 4096, 12280, 12285, 28672 - 5, 3 << 20]
    content = bytearray((3 << 20) + 10)
    for place in places:
        content[place : place + 5] = b"RIFFs"
    with opened(written(tmp_path, bytes(content))) as source:
        assert list(source.find([b"RIFFs", b"caff"], 1)) == places
        assert list(source.find([b"RIFFs"], places[0] + 1)) == places[1:]


@pytest.mark.parametrize(
    ("container", "name", "order", "width"),
    [
        ("WAV", b"thmb", "little", 4), ("WAV", b"id3 ", "little", 4),
        ("RF64", b"thmb", "little", 4), ("AIFF", b"APPL", "big", 4), ("CAF", b"user", "big", 8),
    ],
)  # fmt: skip
def test_a_recording_within_a_chunk_is_not_joined_to_the_one_that_has_it(
    tmp_path: Path, encoded: Encode, container: str, name: bytes,
    order: Literal["little", "big"], width: int,
) -> None:  # fmt: skip
    outer, inner = (encoded(container, "PCM_16", seconds, 16000) for seconds in (1.0, 0.5))
    for stored in (inner, encoded("WAV", "PCM_16", 0.5, 16000), b"\0" + inner):
        padding = bytes(len(stored) % 2 if width == 4 else 0)
        chunk = name + len(stored).to_bytes(width, order) + stored + padding
        path = written(tmp_path, outer + chunk + chunk)
        assert np.array_equal(read_audio(path).samples, read_audio(io.BytesIO(outer)).samples)
        assert read_audio(written(tmp_path, outer + chunk + inner)).duration == 1.5


def test_files_of_several_formats_and_one_that_ends_too_early(
    tmp_path: Path, encoded: Encode
) -> None:
    contents = [encoded(container, "PCM_16", 1.0, 16000) for container in ("WAV", "AU", "CAF")]
    assert read_audio(written(tmp_path, b"".join(contents))).duration == 3.0
    cut = contents[0][:-16000]
    with pytest.raises(DamagedAudioError, match=r"damaged at 0\.50 to 1\.00 s") as caught:
        read_audio(written(tmp_path, cut + contents[1]))
    whole = read_audio(io.BytesIO(contents[0])).samples
    assert np.array_equal(caught.value.partial.samples[16000:], whole)


@pytest.mark.parametrize("tail", [b"\1\2\3" * 4000, b"fLaC" + bytes(4000)], ids=["junk", "flac"])
@pytest.mark.parametrize("container", [c for c in CONTAINERS if c != "VOC"])
def test_what_follows_the_samples_is_said(
    tmp_path: Path, encoded: Encode, caplog: pytest.LogCaptureFixture, container: str, tail: bytes
) -> None:
    content = encoded(container, "PCM_16", 1.0, 16000)
    assert read_audio(written(tmp_path, content + tail)).duration == 1.0
    assert "bytes after its end are not read" in caplog.text


@pytest.mark.parametrize("container", [c for c in CONTAINERS if c != "VOC"])
def test_tags_and_padding_after_the_samples_are_not_mentioned(
    tmp_path: Path, encoded: Encode, caplog: pytest.LogCaptureFixture, container: str
) -> None:
    content = encoded(container, "PCM_16", 1.0, 16000)
    chunk = b"LIST" + struct.pack("<I", 2000) + bytes(range(200)) * 10
    for tail in (b"", bytes(5000), b"TAG" + b"t" * 125, chunk):
        assert read_audio(written(tmp_path, content + tail)).duration == 1.0
    assert not caplog.text


@pytest.mark.slow
def test_joined_files_of_mpeg_audio_in_wav(
    tmp_path: Path, encoded: Encode, ffmpeg: Callable[..., None]
) -> None:
    (tmp_path / "a.wav").write_bytes(encoded("WAV", "PCM_16", 2.0, 16000))
    ffmpeg("-i", tmp_path / "a.wav", "-c:a", "libmp3lame", tmp_path / "b.wav")
    content = (tmp_path / "b.wav").read_bytes()
    one = read_audio(tmp_path / "b.wav").samples
    assert np.array_equal(read_audio(written(tmp_path, 3 * content)).samples, np.tile(one, 3))


def voc(*blocks: tuple[int, bytes]) -> bytes:
    head = b"Creative Voice File\x1a" + struct.pack("<HHH", 26, 0x114, 0x111F)
    sized = (bytes([kind]) + len(body).to_bytes(3, "little") + body for kind, body in blocks)
    return head + b"".join(sized) + b"\0"


@pytest.mark.parametrize("num_channels", [1, 2])
def test_voc_of_many_blocks_has_their_samples_and_nothing_else(
    tmp_path: Path, num_channels: int
) -> None:
    samples = np.random.default_rng(3).integers(-9000, 9000, (16000, num_channels), np.int16)
    encoded = samples.astype("<i2").tobytes()
    layout = struct.pack("<IBBH4x", 16000, 16, num_channels, 4)
    rest = [(2, encoded[at : at + 4096]) for at in range(4096, len(encoded), 4096)]
    path = written(tmp_path, voc((9, layout + encoded[:4096]), (4, b"\1\0"), *rest))
    read = read_audio(path, channel=1)
    assert np.array_equal(read.samples, samples[:, 0].astype(np.float32) / 32768)
    assert read_duration(path) == 1.0


def test_silence_between_blocks_of_voc_is_silence(tmp_path: Path) -> None:
    tone = bytes([64, 192] * 4000)
    head = bytes([256 - 1_000_000 // 8000, 0])
    blocks = ((1, head + tone), (3, struct.pack("<HB", 7999, head[0])), (2, tone))
    samples = read_audio(written(tmp_path, voc(*blocks))).samples
    assert len(samples) == 24000
    assert not samples[8000:16000].any()
    assert np.array_equal(samples[:8000], samples[16000:])
    assert np.ptp(samples[:8000]) == 1.0


def test_a_small_voc_does_not_become_gigabytes_of_silence(tmp_path: Path) -> None:
    head = bytes([256 - 1_000_000 // 8000, 0])
    silence = (3, struct.pack("<HB", 65535, head[0]))
    blocks = [(1, head + bytes(100)), *5000 * [silence], (2, bytes(100))]
    with opened(written(tmp_path, voc(*blocks))) as source:
        tracemalloc.start()
        found = find_voc_samples(source, 0)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert found is not None
    assert found.pieces is None
    assert most < 10e6  # it is counted before it is made


@pytest.mark.parametrize("chunk", [b"", b"LIST" + struct.pack("<I", 3000) + b"INFO" * 750])
def test_mpeg_in_wav_is_whole_whatever_its_header_counts(
    tmp_path: Path, encoded: Encode, chunk: bytes
) -> None:
    # Without a Xing header, which ffmpeg leaves out in WAV.
    frames = re.sub(b"Xing|Info", bytes(4), encoded("MP3", "MPEG_LAYER_III", 1.5, 16000))
    whole = read_audio(written(tmp_path, frames)).samples
    layout = struct.pack("<HHIIHHHHIHHH", 0x55, 1, 16000, 8000, 1, 0, 12, 1, 2, 576, 1, 1393)
    body = b"WAVEfmt " + struct.pack("<I", len(layout)) + layout
    body += b"fact" + struct.pack("<II", 4, 99_000) + b"data" + struct.pack("<I", len(frames))
    body += frames + bytes(len(frames) % 2) + chunk
    path = written(tmp_path, b"RIFF" + struct.pack("<I", len(body)) + body)
    assert np.array_equal(read_audio(path).samples, whole)
    assert read_duration(path) == len(whole) / 16000


def test_joined_files(tmp_path: Path, encoded: Encode) -> None:
    first, second = encoded("WAV", "PCM_16", 1.0, 16000), encoded("WAV", "PCM_16", 2.0, 8000, 2)
    path = written(tmp_path, first + second)
    assert read_duration(path) == 3.0
    assert read_audio(path, 16000).duration == 3.0


@pytest.mark.slow
@pytest.mark.parametrize("size", [2**31 - 2**20, 2**33])
def test_a_header_that_promises_gigabytes_costs_nothing(
    tmp_path: Path, encoded: Encode, size: int, run_measured: Callable[..., tuple[str, int]]
) -> None:
    content = encoded("W64", "PCM_16", 1.0, 16000)
    at = content.index(b"data") + 16
    path = written(tmp_path, content[:at] + struct.pack("<Q", size) + content[at + 8 :])
    code = (
        "import sys\nfrom speechlstm.audio import read_audio\n"
        "from speechlstm.errors import DamagedAudioError\n"
        "try:\n    read_audio(sys.argv[1])\n"
        "except DamagedAudioError as error:\n    print(error.partial.duration)\n"
    )
    printed, peak = run_measured(code, str(path))
    assert float(printed) == 1.0
    assert peak < 150e6


@pytest.mark.parametrize("rate", [1, 100, 3999, 768001, 2**31 - 1])
def test_sample_rates_that_no_recording_has(tmp_path: Path, encoded: Encode, rate: int) -> None:
    content = encoded("WAV", "PCM_16", 1.0, 16000)
    changed = content[:24] + struct.pack("<I", rate) + content[28:]
    for read in (read_audio, read_duration):
        with pytest.raises(AudioError, match=f"sample rate of {rate} Hz is outside"):
            read(written(tmp_path, changed))


@pytest.mark.parametrize("container", ["PAF", "PVF", "AVR", "SVX", "IRCAM", "HTK", "MAT5", "SDS"])
def test_rare_formats_are_read_as_they_were(
    tmp_path: Path, encoded: Encode, container: str
) -> None:
    path = written(tmp_path, encoded(container, "PCM_16", 1.0, 16000))
    assert read_audio(path).duration == pytest.approx(1.0, abs=0.01)
