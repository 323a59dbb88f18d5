import io
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speechlstm.audio import read_audio, read_duration
from speechlstm.errors import AudioError, DamagedAudioError

Encode = Callable[..., bytes]


def without_length(content: bytes) -> bytes:
    """As written into a pipe: the 36 bits of the number of samples are zero."""
    changed = bytearray(content)
    changed[21] &= 0xF0
    changed[22:26] = bytes(4)
    return bytes(changed)


def written(folder: Path, content: bytes) -> Path:
    (folder / "a.flac").write_bytes(content)
    return folder / "a.flac"


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 96000])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_a_length_that_no_header_tells(
    tmp_path: Path, encoded: Encode, rate: int, subtype: str
) -> None:
    content = encoded("FLAC", subtype, 1.3, rate, 2)
    reference, _ = soundfile.read(io.BytesIO(content), dtype="float32")
    path = written(tmp_path, without_length(content))
    assert read_duration(path) == pytest.approx(1.3)
    assert np.allclose(read_audio(path).samples, reference[:, 0], rtol=0, atol=1e-7)


def test_joined_files(tmp_path: Path, encoded: Encode) -> None:
    first, second = encoded("FLAC", "PCM_16", 1.0, 16000), encoded("FLAC", "PCM_16", 2.0, 44100, 2)
    path = written(tmp_path, first + second + without_length(first))
    assert read_duration(path) == pytest.approx(4.0)
    assert read_audio(path, 16000).duration == pytest.approx(4.0, abs=1e-3)


APE = b"APETAGEX" + struct.pack("<IIIIQ", 2000, 32, 0, 0, 0)


@pytest.mark.parametrize("tag", [b"TAG" + b"t" * 125, APE, APE + b"TAG" + b"t" * 125, b"text" * 99])
@pytest.mark.parametrize("is_joined", [False, True])
def test_what_follows_the_last_frame_does_no_harm(
    tmp_path: Path, encoded: Encode, tag: bytes, is_joined: bool
) -> None:
    content = encoded("FLAC", "PCM_16", 1.3, 16000)
    reference, _ = soundfile.read(io.BytesIO(content), dtype="float32")
    times = 1 + is_joined
    path = written(tmp_path, times * (content + tag))
    assert np.array_equal(read_audio(path).samples, np.tile(reference, times))
    assert read_duration(path) == pytest.approx(times * 1.3)


@pytest.mark.parametrize("length_is_known", [True, False])
@pytest.mark.parametrize("damage", [b"\0" * 400, b"\xff" * 4000, None])
def test_damaged_frames_are_silence_and_all_others_are_exact(
    tmp_path: Path, encoded: Encode, damage: bytes | None, length_is_known: bool
) -> None:
    content = encoded("FLAC", "PCM_16", 12.0, 16000)
    if not length_is_known:
        content = without_length(content)
    reference = read_audio(written(tmp_path, content)).samples
    middle = len(content) // 2
    if damage is None:
        damaged = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    else:
        damaged = content[:middle] + damage + content[middle + len(damage) :]
    with pytest.raises(DamagedAudioError, match="damaged at") as caught:
        read_audio(written(tmp_path, damaged))
    ((start, end),) = caught.value.lost
    assert 0 < end - start < 1.0
    samples = caught.value.partial.samples
    first, last = round(start * 16000), round(end * 16000)
    assert len(samples) == len(reference)
    assert np.array_equal(samples[:first], reference[:first])
    assert not samples[first:last].any()
    assert np.array_equal(samples[last:], reference[last:])


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_file_that_ends_too_early_says_what_is_lost(
    tmp_path: Path, encoded: Encode, share: float
) -> None:
    content = encoded("FLAC", "PCM_16", 6.0, 16000)
    path = written(tmp_path, content[: int(share * len(content))])
    with pytest.raises(DamagedAudioError, match="truncated") as caught:
        read_audio(path)
    ((start, end),) = caught.value.lost
    assert (start, end) == pytest.approx((caught.value.partial.duration, 6.0))
    assert start == pytest.approx(6 * share, abs=0.6)
    with pytest.raises(DamagedAudioError, match="truncated"):
        read_duration(path)


def test_what_has_headers_alone_is_no_recording(tmp_path: Path, encoded: Encode) -> None:
    content = encoded("FLAC", "PCM_16", 1.0, 16000)
    for size in (4, 20, 42, 100):
        with pytest.raises(AudioError):
            read_audio(written(tmp_path, content[:size]))
