import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from speechlstm.audio import read_audio, read_duration
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


def test_an_empty_data_chunk_before_others_is_empty(tmp_path: Path, encoded: Encode) -> None:
    content = encoded("WAV", "PCM_16", 1.0, 16000)
    head = content[: content.index(b"data")] + b"data" + bytes(4)
    path = written(tmp_path, head + b"LIST" + struct.pack("<I", 6) + b"notes\0")
    with pytest.raises(AudioError, match="has no samples"):
        read_audio(path)


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
