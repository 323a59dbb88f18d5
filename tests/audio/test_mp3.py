import io
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speechlstm.audio import read_audio, read_duration
from speechlstm.audio.mpeg_frames import parse_header
from speechlstm.errors import AudioError, DamagedAudioError

Encode = Callable[..., bytes]


def frames_of(content: bytes) -> list[bytes]:
    """The frames of an MP3 file without tags, as a table of the standard has their lengths."""
    kilobits = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
    half = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]
    frames, at = [], 0
    while at + 4 <= len(content) and content[at] == 0xFF:
        is_mpeg1, code = content[at + 1] & 0x18 == 0x18, content[at + 2] >> 4
        rate = [44100, 48000, 32000][content[at + 2] >> 2 & 3]
        rate //= 1 if is_mpeg1 else 2 if content[at + 1] & 0x18 == 0x10 else 4
        bits = 1000 * (kilobits if is_mpeg1 else half)[code] * (144 if is_mpeg1 else 72)
        size = bits // rate + (content[at + 2] >> 1 & 1)
        frames.append(content[at : at + size])
        at += size
    return frames


@pytest.fixture(scope="module")
def mp3(encoded: Encode) -> Callable[..., bytes]:
    return lambda seconds=2.0, rate=44100, channels=1: encoded(
        "MP3", "MPEG_LAYER_III", seconds, rate, channels
    )


def written(folder: Path, content: bytes) -> Path:
    (folder / "a.mp3").write_bytes(content)
    return folder / "a.mp3"


@pytest.mark.parametrize("rate", [8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_without_a_xing_header_all_frames_are_read(
    tmp_path: Path, mp3: Callable[..., bytes], rate: int, channels: int
) -> None:
    _, *frames = frames_of(mp3(1.5, rate, channels))
    path = written(tmp_path, b"".join(frames))
    seconds = len(frames) * (1152 if rate >= 32000 else 576) / rate
    assert read_duration(path) == pytest.approx(seconds)
    assert read_audio(path).duration == pytest.approx(seconds)


def test_decodes_to_what_libsndfile_decodes_of_an_undamaged_file(
    tmp_path: Path, mp3: Callable[..., bytes]
) -> None:
    content = mp3(2.0)
    reference, _ = soundfile.read(io.BytesIO(content), dtype="float32")
    audio = read_audio(written(tmp_path, content))
    assert len(audio.samples) == len(reference) == 88200
    assert np.allclose(audio.samples, reference, rtol=0, atol=1e-5)


def test_joined_files_are_read_to_the_end(tmp_path: Path, mp3: Callable[..., bytes]) -> None:
    tag = b"TAG" + bytes(125)
    id3 = b"ID3\4\0\0\0\0\0\x14" + bytes(20)
    ape = b"APETAGEX" + (2000).to_bytes(4, "little") + (32).to_bytes(4, "little") + bytes(16)
    other = mp3(1.0, 22050, 2)
    path = written(tmp_path, id3 + mp3(1.0) + tag + id3 + mp3(1.0) + tag + other + ape + tag)
    # The headers of the second and third are silent frames; neither is trimmed, as by ffmpeg.
    assert 3.0 < read_duration(path) < 3.2
    audio = read_audio(path, 16000)
    assert audio.duration == pytest.approx(read_duration(path), abs=1e-3)
    thirds = np.array_split(audio.samples, 3)
    assert all(np.sqrt(np.mean(third**2)) > 0.05 for third in thirds)


APE = b"text" * 300 + b"APETAGEX" + struct.pack("<IIIIQ", 1000, 1232, 1, 0, 0)  # of version 1


@pytest.mark.parametrize("tags", [APE, APE + b"TAG" + bytes(125)])
@pytest.mark.parametrize("first", [0, 1])  # frame: with and without a Xing header
def test_tags_that_only_their_end_tells_are_no_loss(
    tmp_path: Path, mp3: Callable[..., bytes], tags: bytes, first: int
) -> None:
    content = b"".join(frames_of(mp3(1.0))[first:])
    whole = read_audio(written(tmp_path, content)).samples
    assert np.array_equal(read_audio(written(tmp_path, content + tags)).samples, whole)
    joined = written(tmp_path, content + tags + content + tags)
    assert read_duration(joined) == pytest.approx(2 * len(whole) / 44100, abs=0.1)
    with pytest.raises(DamagedAudioError):
        read_audio(written(tmp_path, content + b"text" * 300))


def test_a_tag_that_claims_to_be_longer_than_the_file_is_passed(
    tmp_path: Path, mp3: Callable[..., bytes]
) -> None:
    content = mp3(1.0)
    tag = b"ID3\3\0\0\x7f\x7f\x7f\x7f" + bytes(3000)
    whole = read_audio(written(tmp_path, content)).samples
    assert np.array_equal(read_audio(written(tmp_path, tag + content)).samples, whole)
    joined = read_audio(written(tmp_path, content + tag + content)).samples
    assert len(joined) == len(read_audio(written(tmp_path, content + content)).samples)
    with pytest.raises(AudioError, match="its header, of MP3, is damaged or not whole"):
        read_audio(written(tmp_path, tag))


def test_free_format_is_read(tmp_path: Path, encoded: Encode, ffmpeg: Callable[..., None]) -> None:
    (tmp_path / "a.wav").write_bytes(encoded("WAV", "PCM_16", 1.0, 44100))
    ffmpeg("-i", tmp_path / "a.wav", "-b:a", "64k", "-write_xing", "0", "-id3v2_version", "0",
           tmp_path / "a.mp3")  # fmt: skip
    frames = frames_of((tmp_path / "a.mp3").read_bytes())
    plain = read_audio(tmp_path / "a.mp3")
    assert {len(frame) for frame in frames} == {208, 209}
    free = b"".join(f[:2] + bytes([f[2] & 0x0F]) + f[3:] for f in frames)
    audio = read_audio(written(tmp_path, free))
    assert audio.duration == pytest.approx(len(frames) * 1152 / 44100)
    assert np.allclose(audio.samples, plain.samples, rtol=0, atol=1e-5)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_file_that_ends_too_early_says_what_is_lost(
    tmp_path: Path, mp3: Callable[..., bytes], share: float
) -> None:
    content = mp3(3.0)
    path = written(tmp_path, content[: int(share * len(content))])
    with pytest.raises(DamagedAudioError, match="truncated") as caught:
        read_audio(path)
    ((start, end),) = caught.value.lost
    partial = caught.value.partial
    assert (start, end) == pytest.approx((partial.duration, 3.0), abs=0.06)
    whole = read_audio(written(tmp_path, content)).samples
    same = len(partial.samples) - 2304
    assert np.allclose(partial.samples[:same], whole[:same], rtol=0, atol=1e-5)
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DamagedAudioError, match="truncated"):
        read_duration(path)


@pytest.mark.parametrize("damage", ["zeros", "ones", "noise", "removed"])
def test_damage_in_the_middle_is_silence_of_its_length(
    tmp_path: Path, mp3: Callable[..., bytes], damage: str
) -> None:
    content = mp3(4.0)
    middle, num_bytes = len(content) // 2, 1500
    filler = {
        "zeros": bytes(num_bytes),
        "ones": b"\xff" * num_bytes,
        "noise": np.random.default_rng(3).bytes(num_bytes),
        "removed": b"",
    }[damage]
    path = written(tmp_path, content[:middle] + filler + content[middle + num_bytes :])
    with pytest.raises(DamagedAudioError, match="damaged at") as caught:
        read_audio(path)
    partial, lost = caught.value.partial, caught.value.lost
    assert partial.duration == pytest.approx(4.0, abs=0.03)
    start, end = lost[0][0], lost[-1][1]
    assert 1.6 < start < end < 2.4
    whole = read_audio(written(tmp_path, content)).samples
    before = round((start - 0.05) * 44100)
    assert np.allclose(partial.samples[:before], whole[:before], rtol=0, atol=1e-5)
    after = 44100
    assert np.allclose(partial.samples[-after:], whole[-after:], rtol=0, atol=1e-4)


@pytest.mark.slow
def test_libmpg123_says_nothing_of_damage_where_it_is_silenced(
    tmp_path: Path, mp3: Callable[..., bytes]
) -> None:
    content = bytearray(mp3(3.0))
    generator = np.random.default_rng(5)
    for number in range(6):
        for at in generator.integers(500, len(content) - 200, 3):
            size = int(generator.integers(1, 150))
            content[at : at + size] = generator.bytes(size)
        (tmp_path / f"{number}.mp3").write_bytes(content)
    (tmp_path / "noise.mp3").write_bytes(b"\xff\xfb\x90\x00" + generator.bytes(5000))
    code = (
        "import sys\nfrom speechlstm.audio import read_audio\n"
        "from speechlstm.audio.decoding import silence_codecs\n"
        "from speechlstm.errors import AudioError\n"
        "silence_codecs()\n"
        "for path in sys.argv[1:]:\n"
        "    try:\n        read_audio(path)\n        print('whole')\n"
        "    except AudioError as error:\n        print(error)\n"
        "print('talk', file=sys.stderr)\n"
    )
    command = [sys.executable, "-c", code, *map(str, sorted(tmp_path.iterdir()))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == "talk\n"
    assert len(done.stdout.splitlines()) == 7


def test_what_only_begins_like_a_frame_is_no_recording(tmp_path: Path) -> None:
    path = written(tmp_path, b"\xff\xfb\x90\x00" + bytes(10000))
    with pytest.raises(AudioError):
        read_audio(path)


@pytest.mark.parametrize(
    ("head", "num_bytes", "num_samples"),
    [  # from the standard's tables: slots of 4 bytes in layer I, else of 1
        ("fffb9000", 417, 1152),
        ("fffb9200", 418, 1152),
        ("fff38000", 208, 576),
        ("ffe38000", 417, 576),
        ("fffd8000", 417, 1152),
        ("ffff4000", 136, 384),
    ],
)
def test_headers(head: str, num_bytes: int, num_samples: int) -> None:
    header = parse_header(bytes.fromhex(head))
    assert header is not None
    assert (header.num_bytes, header.num_samples) == (num_bytes, num_samples)


@pytest.mark.parametrize("head", ["fffbf000", "fffb9c00", "ffeb9000", "fff99000", "fefb9000", "ff"])
def test_what_is_no_header(head: str) -> None:
    assert parse_header(bytes.fromhex(head)) is None
