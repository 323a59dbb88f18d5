import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from speechlstm.audio import read_audio, read_duration
from speechlstm.audio.ogg_pages import checksum
from speechlstm.errors import DamagedAudioError

Encode = Callable[..., bytes]
CODECS = ["VORBIS", "OPUS"]


def page_starts(content: bytes) -> list[int]:
    """Where pages begin, by their lengths (RFC 3533, section 6)."""
    starts, at = [], 0
    while at < len(content):
        assert content[at : at + 4] == b"OggS"
        starts.append(at)
        lacing = content[at + 27 : at + 27 + content[at + 26]]
        at += 27 + len(lacing) + sum(lacing)
    return starts


def written(folder: Path, content: bytes) -> Path:
    (folder / "a.ogg").write_bytes(content)
    return folder / "a.ogg"


def slow_checksum(page: bytes) -> int:
    """Bit by bit, as the RFC has it."""
    register = 0
    for byte in page:
        register ^= byte << 24
        for _ in range(8):
            register = register << 1 ^ (0x104C11DB7 if register & 0x80000000 else 0)
    return register


def test_checksum() -> None:
    for content in (b"", b"a", bytes(range(256))):
        assert checksum(content) == slow_checksum(content)
    assert checksum(b"abc") != zlib.crc32(b"abc")


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("rate", [8000, 16000, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_chained_streams_are_read_to_the_end(
    tmp_path: Path, encoded: Encode, codec: str, rate: int, channels: int
) -> None:
    first, second = encoded("OGG", codec, 1.0, rate, channels), encoded("OGG", codec, 0.7, 24000)
    path = written(tmp_path, first + second + first)
    assert read_duration(path) == pytest.approx(2.7, abs=2e-3)
    audio = read_audio(path, 16000)
    assert audio.duration == pytest.approx(2.7, abs=2e-3)
    alone = read_audio(written(tmp_path, first), 16000).samples
    assert np.allclose(audio.samples[-16000:], alone[-16000:], rtol=0, atol=1e-3)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("damage", ["flipped", "removed", "zeros"])
def test_damaged_pages_are_silence_of_their_length(
    tmp_path: Path, encoded: Encode, codec: str, damage: str
) -> None:
    content = encoded("OGG", codec, 8.0, 16000)
    starts = page_starts(content)
    page = starts[len(starts) // 2]
    end = starts[len(starts) // 2 + 1]
    damaged = {
        "flipped": content[: page + 100] + bytes([content[page + 100] ^ 1]) + content[page + 101 :],
        "removed": content[:page] + content[end:],
        "zeros": content[:page] + bytes(end - page) + content[end:],
    }[damage]
    whole = read_audio(written(tmp_path, content)).samples
    path = written(tmp_path, damaged)
    with pytest.raises(DamagedAudioError, match="damaged at") as caught:
        read_audio(path)
    ((start, end_seconds),) = caught.value.lost
    partial = caught.value.partial
    assert partial.duration == pytest.approx(8.0, abs=0.01)
    assert 0.5 < end_seconds - start < 2.5
    before, after = round(start * 16000), round(end_seconds * 16000)
    assert not partial.samples[before + 10 : after - 10].any()
    assert np.allclose(partial.samples[: before - 500], whole[: before - 500], rtol=0, atol=1e-4)
    rest = slice(after + 8000, 127000)
    assert np.allclose(partial.samples[rest], whole[rest], rtol=0, atol=0.02)
    with pytest.raises(DamagedAudioError):
        read_duration(path)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_a_file_that_ends_too_early_says_so(
    tmp_path: Path, encoded: Encode, codec: str, share: float
) -> None:
    content = encoded("OGG", codec, 8.0, 16000)
    path = written(tmp_path, content[: int(share * len(content))])
    with pytest.raises(DamagedAudioError, match="truncated at") as caught:
        read_audio(path)
    assert 0.3 < caught.value.partial.duration < 8.0
    with pytest.raises(DamagedAudioError, match="truncated"):
        read_duration(path)


@pytest.mark.parametrize("codec", CODECS)
def test_granules_that_jump_between_pages_are_no_loss(
    tmp_path: Path, encoded: Encode, codec: str
) -> None:
    """ffmpeg writes such files if the timestamps of its source jitter, and reads them whole."""
    content = bytearray(encoded("OGG", codec, 3.0, 16000))
    starts = page_starts(bytes(content))
    assert len(starts) > 4
    for start, end in zip(starts[-2:], [*starts[-1:], len(content)], strict=True):
        later = int.from_bytes(content[start + 6 : start + 14], "little") + 489
        content[start + 6 : start + 14] = later.to_bytes(8, "little")
        content[start + 22 : start + 26] = bytes(4)
        total = slow_checksum(bytes(content[start:end]))
        content[start + 22 : start + 26] = total.to_bytes(4, "little")
    audio = read_audio(written(tmp_path, bytes(content)), 16000)
    assert audio.duration == pytest.approx(3.0, abs=0.04)


@pytest.mark.parametrize("codec", CODECS)
def test_a_stream_whose_first_page_is_damaged_is_lost_and_named(
    tmp_path: Path, encoded: Encode, codec: str
) -> None:
    first, second = encoded("OGG", codec, 1.0, 48000), bytearray(encoded("OGG", codec, 2.0, 48000))
    second[30] ^= 255
    with pytest.raises(DamagedAudioError) as caught:
        read_audio(written(tmp_path, first + bytes(second)))
    ((start, end),) = caught.value.lost
    assert (start, end) == pytest.approx((1.0, 3.0), abs=0.05)


def test_tags_after_the_last_page_do_no_harm(
    tmp_path: Path, encoded: Encode, caplog: pytest.LogCaptureFixture
) -> None:
    content = encoded("OGG", "VORBIS", 1.0, 16000)
    for tag in (b"TAG" + bytes(125), bytes(5000)):
        assert read_audio(written(tmp_path, content + tag)).duration == 1.0
    assert not caplog.text


@pytest.mark.parametrize("codec", CODECS)
def test_what_follows_the_last_page_is_said(
    tmp_path: Path, encoded: Encode, caplog: pytest.LogCaptureFixture, codec: str
) -> None:
    tail = encoded("WAV", "PCM_16", 1.0, 16000)
    path = written(tmp_path, encoded("OGG", codec, 1.0, 16000) + tail)
    assert read_audio(path).duration == 1.0
    assert f"the {len(tail)} bytes after its end are not read" in caplog.text


@pytest.mark.slow
def test_flac_in_ogg(tmp_path: Path, encoded: Encode, ffmpeg: Callable[..., None]) -> None:
    (tmp_path / "a.wav").write_bytes(encoded("WAV", "PCM_16", 4.0, 16000))
    ffmpeg("-i", tmp_path / "a.wav", "-c:a", "flac", tmp_path / "a.oga")
    content = (tmp_path / "a.oga").read_bytes()
    reference = read_audio(tmp_path / "a.wav")
    assert np.array_equal(read_audio(tmp_path / "a.oga").samples, reference.samples)
    assert read_duration(tmp_path / "a.oga") == 4.0
    twice = read_audio(written(tmp_path, content + content)).samples
    assert np.array_equal(twice, np.tile(reference.samples, 2))
    middle = page_starts(content)[-2]
    with pytest.raises(DamagedAudioError) as caught:
        read_audio(written(tmp_path, content[: middle + 60] + b"\0" + content[middle + 61 :]))
    assert caught.value.partial.duration == 4.0
    with pytest.raises(DamagedAudioError, match="truncated"):
        read_audio(written(tmp_path, content[:-3000]))
