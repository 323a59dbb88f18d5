import io
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speechlstm.audio import read_audio, read_duration
from speechlstm.errors import AudioError, DamagedAudioError

Encode = Callable[..., bytes]

# Container, codec, sample rate, channels; what ffmpeg cannot write here is skipped.
MATRIX = [
    ("m4a", "aac", 44100, 2), ("m4a", "aac", 48000, 8), ("m4a", "alac", 48000, 1),
    ("mp4", "aac", 16000, 1), ("wav", "pcm_s64le", 48000, 1),
    ("mov", "pcm_s16be", 44100, 2), ("mov", "aac", 22050, 1), ("webm", "libopus", 48000, 2),
    ("webm", "libvorbis", 44100, 1), ("mkv", "flac", 44100, 2), ("mkv", "pcm_f32le", 16000, 1),
    ("aac", "aac", 32000, 1), ("wma", "wmav2", 44100, 2), ("wma", "wmav1", 16000, 1),
    ("3gp", "aac", 16000, 1), ("amr", "libopencore_amrnb", 8000, 1), ("spx", "libspeex", 16000, 1),
    ("ac3", "ac3", 48000, 2), ("wv", "wavpack", 44100, 1), ("avi", "mp2", 44100, 2),
    ("ts", "aac", 48000, 2), ("tta", "tta", 44100, 2),
    ("mp3", "libmp3lame", 44100, 2), ("mp3", "libmp3lame", 8000, 1), ("mp2", "mp2", 48000, 2),
    ("mp2", "mp2", 16000, 1), ("ogg", "libvorbis", 22050, 2), ("opus", "libopus", 48000, 1),
    ("flac", "flac", 96000, 2), ("oga", "flac", 16000, 1), ("wav", "pcm_s24le", 44100, 2),
    ("wav", "adpcm_ms", 22050, 1), ("wav", "adpcm_ima_wav", 22050, 2),
    ("wav", "pcm_mulaw", 8000, 1),
    ("w64", "pcm_s16le", 16000, 1), ("aiff", "pcm_s16be", 44100, 2), ("au", "pcm_s16be", 8000, 1),
    ("caf", "pcm_s16le", 48000, 2), ("voc", "pcm_s16le", 16000, 1),
]  # fmt: skip


@pytest.fixture
def wav(tmp_path: Path, encoded: Encode) -> Path:
    (tmp_path / "speech.wav").write_bytes(encoded("WAV", "PCM_16", 1.5, 16000))
    return tmp_path / "speech.wav"


QUICK = {("m4a", "aac")}
SHORTENED_MATRIX = [
    row if row[:2] in QUICK else pytest.param(*row, marks=pytest.mark.slow) for row in MATRIX
]


@pytest.mark.parametrize(("suffix", "codec", "rate", "channels"), SHORTENED_MATRIX)
def test_length_is_what_ffmpeg_decodes(
    tmp_path: Path, wav: Path, ffmpeg: Callable[..., None],
    ffmpeg_seconds: Callable[[Path], float],
    suffix: str, codec: str, rate: int, channels: int,
) -> None:  # fmt: skip
    pytest.importorskip("av")
    path = tmp_path / f"a.{suffix}"
    ffmpeg("-i", wav, "-c:a", codec, "-ar", str(rate), "-ac", str(channels), path)
    nameless = path.rename(tmp_path / "a")  # by content, not by suffix
    expected = ffmpeg_seconds(nameless)
    frame = max(0.03, 1024 / rate)  # of AAC: only newer ffmpegs drop the padding of the last one
    assert read_duration(nameless) == pytest.approx(expected, abs=frame)
    audio = read_audio(nameless, 16000)
    assert audio.duration == pytest.approx(expected, abs=frame)
    # The same sound, but for the codec and its delay: the loudness over time is like that.
    reference, _ = soundfile.read(wav, dtype="float32")
    length = min(len(reference), len(audio.samples)) // 1600 * 1600
    loudness = [
        np.sqrt(np.mean(samples[:length].reshape(-1, 1600) ** 2, axis=1))
        for samples in (reference, audio.samples)
    ]
    assert np.corrcoef(*loudness)[0, 1] > 0.6


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["m4a", "mkv", "webm", "tta", "wv"])
def test_a_container_that_ends_too_early_says_what_is_lost(
    tmp_path: Path, wav: Path, ffmpeg: Callable[..., None], suffix: str
) -> None:
    pytest.importorskip("av")
    path = tmp_path / f"a.{suffix}"
    ffmpeg("-stream_loop", "5", "-i", wav, "-ar", "48000", "-movflags", "+faststart", path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 3 // 4])
    with pytest.raises(DamagedAudioError, match="truncated") as caught:
        read_audio(path)
    ((start, end),) = caught.value.lost
    assert 4 < start < 8
    assert end == pytest.approx(9.0, abs=0.1)


def test_without_pyav_the_error_names_file_format_and_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    path = tmp_path / "talk.wav"
    for head, name in (
        (b"\0\0\0\x18ftypM4A ", "MP4, M4A or MOV"),
        (b"\x1aE\xdf\xa3", "WebM or Matroska"),
        (b"#!AMR\n", "AMR"),
        (4 * (b"\x47" + bytes(187)), "MPEG-TS"),
        (4 * (bytes(4) + b"\x47" + bytes(187)), "MPEG-TS"),
    ):
        path.write_bytes(head + bytes(500))
        with pytest.raises(AudioError) as caught:
            read_audio(path)
        message = str(caught.value)
        assert message.startswith(f"{path}: is {name}; ")
        assert message.endswith("pip install 'speechlstm[media]'")


@pytest.mark.parametrize(
    "content",
    [
        "#EXTM3U\n#EXTINF:1,\nsecret.wav\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile secret.wav\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n",
    ],
)
def test_playlists_open_no_other_file(tmp_path: Path, encoded: Encode, content: str) -> None:
    pytest.importorskip("av")
    (tmp_path / "secret.wav").write_bytes(encoded("WAV", "PCM_16", 1.5, 16000))
    (tmp_path / "list").write_text(content)
    with pytest.raises(AudioError, match="cannot be decoded"):
        read_audio(tmp_path / "list")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_damaged_containers_raise_no_other_error(
    tmp_path: Path, wav: Path, ffmpeg: Callable[..., None], seed: int
) -> None:
    pytest.importorskip("av")
    generator = np.random.default_rng(seed)
    for suffix in ("m4a", "mkv", "wma", "spx"):
        path = tmp_path / f"a.{suffix}"
        ffmpeg("-i", wav, "-ar", "8000", *(["-c:a", "aac"] if suffix == "m4a" else []), path)
        content = bytearray(path.read_bytes())
        for at in generator.integers(0, len(content) - 50, 20):
            content[at : at + 20] = generator.bytes(20)
        path.write_bytes(content)
        try:
            assert read_audio(path).duration > 0
        except AudioError as error:
            assert "\n" not in str(error)


def test_sound_in_no_stream(tmp_path: Path, ffmpeg: Callable[..., None]) -> None:
    pytest.importorskip("av")
    ffmpeg("-f", "lavfi", "-i", "color=size=16x16:duration=1", "-c:v", "mpeg4", tmp_path / "a.mp4")
    with pytest.raises(AudioError, match="has no audio stream"):
        read_audio(tmp_path / "a.mp4")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"To be, or not to be\n" * 50, "it is not audio of a known format"),
        (b"<html><body>404</body></html>", "it is not audio of a known format"),
        (b"\x89PNG\r\n\x1a\n" + bytes(500), "it is not audio of a known format"),
        (b"PK\3\4" + bytes(500), "it is not audio of a known format"),
        (bytes(5000), "it is not audio of a known format"),
        (b"RIFF", "its header, of WAV, is damaged or not whole"),
        (b"RIFF\0\1\0\0WAVEfmt \x10\0\0\0", "its header, of WAV, is damaged or not whole"),
        (b"\0\0\0\x18ftypM4A \0\0\0\0isomM4A \0\1\0\0mdat" + bytes(500),
         "it is MP4, M4A or MOV, but damaged or not whole"),
        (b"\x1aE\xdf\xa3" + bytes(500), "it is WebM or Matroska, but damaged or not whole"),
        (b"RIFF\0\1\0\0AVI LIST" + bytes(50), "it is AVI, but damaged or not whole"),
        (b"nut/multimedia container\0", "it is NUT, but damaged or not whole"),
        (b"OggS\0\2" + bytes(20), "it is Ogg, but damaged or not whole"),
        (b"riff.\x91\xcf\x11" + bytes(20),
         r"its header, of WAV \(Wave64\), is damaged or not whole"),
        (b"FORM\0\0\1\0ILBMBMHD" + bytes(50), "it is not audio of a known format"),
    ],
)  # fmt: skip
def test_what_cannot_be_decoded_says_what_it_is(content: bytes, reason: str) -> None:
    pytest.importorskip("av")
    with pytest.raises(AudioError, match=f"recording: cannot be decoded: {reason}$"):
        read_audio(io.BytesIO(content))


@pytest.mark.slow
@pytest.mark.parametrize("late", [0.5, 2.0])
def test_sound_that_begins_after_the_pictures_keeps_its_times(
    tmp_path: Path, wav: Path, ffmpeg: Callable[..., None], late: float
) -> None:
    pytest.importorskip("av")
    pictures = ("-f", "lavfi", "-i", "color=size=16x16:duration=4", "-c:v", "mpeg4")
    read = []
    for offset in (0, late):
        path = tmp_path / f"{offset}.mkv"
        sound = ("-itsoffset", str(offset), "-i", wav, "-c:a", "pcm_s16le")
        ffmpeg(*pictures[:4], *sound[:4], *pictures[4:], *sound[4:], path)
        read.append(read_audio(path).samples)
    num_silent = round(late * 16000)
    assert not read[1][: num_silent - 50].any()
    assert len(read[1]) == pytest.approx(len(read[0]) + num_silent, abs=50)
    assert np.array_equal(read[1][-len(read[0]) :], read[0])


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["avi", "wmv", "asf"])
def test_sound_that_begins_after_the_pictures_or_ends_before_them_is_whole(
    tmp_path: Path, wav: Path, ffmpeg: Callable[..., None], suffix: str
) -> None:
    pytest.importorskip("av")
    path = tmp_path / f"a.{suffix}"
    sound = ("-itsoffset", "0.7", "-i", wav)
    ffmpeg("-f", "lavfi", "-i", "color=size=16x16:duration=6", *sound, path)
    assert read_audio(path).duration == pytest.approx(read_audio(wav).duration, abs=0.8)


def test_dts_is_not_taken_for_mpeg_audio(
    tmp_path: Path, wav: Path, ffmpeg: Callable[..., None]
) -> None:
    pytest.importorskip("av")
    ffmpeg("-i", wav, "-strict", "-2", "-ar", "48000", tmp_path / "a.dts")
    assert read_audio(tmp_path / "a.dts").duration == pytest.approx(1.5, abs=0.05)


def test_raw_samples(tmp_path: Path) -> None:
    samples = np.array([0, 16384, -32768] * 1000, "<i2")
    (tmp_path / "a").write_bytes(samples.tobytes() + b"\0")
    audio = read_audio(tmp_path / "a", raw_rate=8000)
    assert audio.sample_rate == 8000
    assert audio.samples.tolist() == [0, 0.5, -1] * 1000


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs")
def test_a_pipe_is_read_to_its_end(tmp_path: Path, encoded: Encode) -> None:
    os.mkfifo(tmp_path / "pipe")
    content = encoded("FLAC", "PCM_16", 1.5, 16000)
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(content,))
    writer.start()
    samples = read_audio(tmp_path / "pipe").samples
    writer.join()
    assert np.array_equal(samples, read_audio(io.BytesIO(content)).samples)


def test_devices_are_no_recordings() -> None:
    if not os.path.exists("/dev/zero"):  # noqa: PTH110
        pytest.skip("no devices")
    with pytest.raises(AudioError, match="is a device"):
        read_audio("/dev/zero")


@pytest.mark.slow
def test_importing_audio_loads_no_pyav() -> None:
    code = "import sys, speechlstm.recognizer; print('av' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert printed.stdout.split() == [b"False"]
