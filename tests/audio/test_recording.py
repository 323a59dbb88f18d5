import errno
import io
import struct
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from speechlstm.audio import Audio, read_audio, read_duration, read_segments, source, split
from speechlstm.audio.source import copy_all
from speechlstm.errors import AudioError


def tone(seconds: float, rate: int, hertz: float = 300.0) -> NDArray[np.float64]:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def noise(seconds: float, rate: int = 16000) -> NDArray[np.float64]:
    return np.random.default_rng(1).uniform(-0.3, 0.3, round(seconds * rate))


@pytest.mark.parametrize(
    ("container", "subtype", "rate", "num_channels", "tolerance"),
    [
        ("WAV", "PCM_U8", 8000, 1, 0.01),
        ("WAV", "PCM_16", 16000, 2, 1e-4),
        ("WAV", "PCM_24", 44100, 1, 1e-4),
        ("WAV", "PCM_32", 96000, 3, 1e-4),
        ("WAV", "FLOAT", 22050, 2, 1e-4),
        ("WAV", "DOUBLE", 11025, 1, 1e-4),
        ("WAVEX", "PCM_16", 32000, 2, 1e-4),
        ("FLAC", "PCM_16", 44100, 2, 1e-4),
        ("FLAC", "PCM_24", 48000, 1, 1e-4),
        ("OGG", "VORBIS", 44100, 2, 0.05),
        ("OGG", "OPUS", 48000, 1, 0.05),
        ("MP3", "MPEG_LAYER_III", 44100, 2, 0.05),
    ],
)
def test_reads_a_tone_from_any_format(
    tmp_path: Path, container: str, subtype: str, rate: int, num_channels: int, tolerance: float
) -> None:
    channels = np.tile(tone(1, rate)[:, None], (1, num_channels))
    soundfile.write(tmp_path / "a", channels, rate, subtype, format=container)
    audio = read_audio(tmp_path / "a", 16000)
    assert (audio.samples.dtype, audio.sample_rate) == (np.float32, 16000)
    assert audio.duration == pytest.approx(1, abs=1e-3)
    middle = slice(2000, 14000)  # a filter and a codec need their run-up
    np.testing.assert_allclose(audio.samples[middle], tone(1, 16000)[middle], 0, tolerance)
    assert read_duration(tmp_path / "a") == pytest.approx(1)


def test_channels_are_averaged(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.tile([0.5, -0.25], (4000, 1)), 16000, "FLOAT")
    np.testing.assert_allclose(
        read_audio(tmp_path / "a.wav", 16000).samples, np.full(4000, 0.125), 1e-6
    )


@pytest.mark.parametrize("rate", [16000, 44100])
@pytest.mark.parametrize("scale", [3.0, 4.0, 31.0])
def test_samples_far_beyond_full_scale_are_scaled(tmp_path: Path, rate: int, scale: float) -> None:
    for name, samples in (("a", tone(3, rate)), ("b", scale * tone(3, rate))):
        soundfile.write(tmp_path / name, samples, rate, "FLOAT", format="WAV")
    expected = 2 * read_audio(tmp_path / "a", 16000).samples
    found = read_audio(tmp_path / "b", 16000).samples
    assert np.abs(found).max() == 1
    np.testing.assert_allclose(found, expected, atol=0.02)  # resampling overshoots at the ends
    segments = [audio.samples for _, audio in read_segments(tmp_path / "b", 16000, 2.0)]
    assert len(segments) == 2
    np.testing.assert_allclose(np.concatenate(segments), expected, atol=0.02)


@pytest.mark.parametrize("rate", [16000, 44100])
def test_samples_a_little_beyond_full_scale_are_clipped(tmp_path: Path, rate: int) -> None:
    soundfile.write(tmp_path / "a.wav", 2.2 * tone(1, rate), rate, "FLOAT")
    samples = read_audio(tmp_path / "a.wav", 16000).samples
    assert (samples.min(), samples.max()) == (-1, 1)
    assert np.mean(np.abs(samples) == 1) > 0.2


def test_reads_opus_of_a_real_corpus(corpora: Path) -> None:
    audio = read_audio(corpora / "an4" / "audio" / "an251-fash-b.opus", 16000)
    assert audio.duration == pytest.approx(1.0)


def refusal(path: Path) -> str:
    with pytest.raises(AudioError) as caught:
        read_audio(path, 16000)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


def test_refuses_what_is_no_recording(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "missing.wav")
    assert "Is a directory" in refusal(tmp_path)
    (tmp_path / "empty.wav").write_bytes(b"")
    assert "is empty" in refusal(tmp_path / "empty.wav")
    for name in ("text.wav", "text.mp3", "headerless.raw"):
        (tmp_path / name).write_text("To be, or not to be\n" * 100)
        assert "cannot be decoded" in refusal(tmp_path / name)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.98])
@pytest.mark.parametrize(
    ("container", "subtype"),
    [
        ("WAV", "PCM_16"),
        ("WAV", "FLOAT"),
        ("FLAC", "PCM_16"),
        ("OGG", "VORBIS"),
        ("OGG", "OPUS"),
        ("MP3", "MPEG_LAYER_III"),
    ],
)
def test_refuses_a_truncated_recording(
    tmp_path: Path, container: str, subtype: str, share: float
) -> None:
    soundfile.write(tmp_path / "a", noise(2), 16000, subtype, format=container)
    whole = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(whole[: int(share * len(whole))])
    message = refusal(tmp_path / "a")
    assert "truncated" in message or "cannot be decoded" in message


def test_refuses_recordings_that_cannot_hold_speech(tmp_path: Path) -> None:
    for seconds, reason in ((0, "has no samples"), (0.02, "lasts 0.02 s, too short")):
        soundfile.write(tmp_path / "a.wav", np.zeros(int(seconds * 44100)), 44100)
        assert reason in refusal(tmp_path / "a.wav")
        with pytest.raises(AudioError, match=reason):
            read_duration(tmp_path / "a.wav")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_refuses_samples_that_are_not_finite(tmp_path: Path, value: float) -> None:
    samples = noise(1)
    samples[700] = value
    soundfile.write(tmp_path / "a.wav", samples, 16000, "FLOAT")
    assert "not finite" in refusal(tmp_path / "a.wav")


def test_refuses_integers_saved_as_floats(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", 32767 * tone(1, 16000), 16000, "FLOAT")
    assert "full scale is 1" in refusal(tmp_path / "a.wav")


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFF000])
def test_reads_wav_from_a_pipe_whose_header_knows_no_size(tmp_path: Path, size: int) -> None:
    soundfile.write(tmp_path / "a.wav", noise(1), 16000)
    content = (tmp_path / "a.wav").read_bytes()
    sizes = content.index(b"data") + 4
    (tmp_path / "a.wav").write_bytes(
        content[:sizes] + struct.pack("<I", size) + content[sizes + 4 :]
    )
    assert read_audio(tmp_path / "a.wav", 16000).duration == 1


def test_reads_flac_from_a_pipe_whose_header_knows_no_length(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", noise(1), 16000)
    content = bytearray((tmp_path / "a.flac").read_bytes())
    content[21] &= 0xF0  # the 36 bits of the number of samples
    content[22:26] = bytes(4)
    (tmp_path / "a.flac").write_bytes(content)
    assert read_audio(tmp_path / "a.flac", 16000).duration == 1
    assert read_duration(tmp_path / "a.flac") == 1


def test_chunks_around_the_samples_of_wav_do_no_harm(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", noise(1), 16000)
    content = (tmp_path / "a.wav").read_bytes()
    note = b"LIST" + struct.pack("<I", 5) + b"notes\0"  # odd, so padded
    data = content.index(b"data")
    (tmp_path / "a.wav").write_bytes(content[:data] + note + content[data:] + note[:7])
    assert read_audio(tmp_path / "a.wav", 16000).duration == 1


@pytest.mark.parametrize("rate", [16000, 44100])
@pytest.mark.parametrize("seconds", [0.5, 5.0, 5.01, 23.0])
def test_segments_partition_the_recording(tmp_path: Path, rate: int, seconds: float) -> None:
    soundfile.write(tmp_path / "a.wav", noise(seconds, rate), rate)
    pieces = list(read_segments(tmp_path / "a.wav", 16000, max_seconds=5))
    lengths = [audio.duration for _, audio in pieces]
    assert [start for start, _ in pieces] == pytest.approx(np.cumsum([0, *lengths[:-1]]))
    assert max(lengths) <= 5
    assert min(lengths) >= min(seconds, 0.5)
    joined = np.concatenate([audio.samples for _, audio in pieces])
    assert np.array_equal(joined, read_audio(tmp_path / "a.wav", 16000).samples)


def test_segments_are_cut_in_pauses(tmp_path: Path) -> None:
    samples = noise(30)
    pauses = [(3.2, 3.6), (7.0, 7.3), (10.9, 11.4), (15.0, 15.4), (19.1, 19.5), (23.0, 23.4)]
    for start, end in [*pauses, (2.8, 2.88)]:  # the last: a stop's closure, not a pause
        samples[round(start * 16000) : round(end * 16000)] *= 0.01
    soundfile.write(tmp_path / "a.wav", samples, 16000)
    starts = [start for start, _ in read_segments(tmp_path / "a.wav", 16000, max_seconds=5)]
    for start, (low, high) in zip(starts[1:], pauses, strict=False):
        assert low < start < high
    assert len(starts) == 8


def test_an_offset_moves_no_cut() -> None:
    samples = 0.05 * noise(30).astype(np.float32)
    samples += 0.01 * np.sin(30 * np.arange(len(samples)) / 16000).astype(np.float32)  # a rumble
    for start in (3.2, 7.0, 10.9, 15.0, 19.1, 23.0):
        samples[round(start * 16000) : round((start + 0.4) * 16000)] *= 0.01
    starts = [
        [start for start, _ in split(Audio(samples + np.float32(offset), 16000), 5)]
        for offset in (0.0, 0.5)
    ]
    assert starts[1] == pytest.approx(starts[0], abs=0.1)


def test_segments_before_a_fault_are_there(tmp_path: Path) -> None:
    samples = noise(30)
    samples[-100] = np.nan
    soundfile.write(tmp_path / "a.wav", samples, 16000, "FLOAT")
    segments = read_segments(tmp_path / "a.wav", 16000)
    assert next(segments)[0] == 0
    with pytest.raises(AudioError, match="not finite"):
        next(segments)


def test_segments_shorter_than_a_second_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        next(read_segments(tmp_path / "a.wav", 16000, max_seconds=0.5))


@pytest.mark.slow
def test_segments_of_an_hour_take_little_memory(
    tmp_path: Path, run_measured: Callable[..., tuple[str, int]]
) -> None:
    with soundfile.SoundFile(tmp_path / "hour.flac", "w", 44100, 2) as file:
        minute = np.stack([noise(60, 44100)] * 2, axis=1)
        for _ in range(60):
            file.write(minute)
    code = (
        "import sys; from speechlstm.audio import read_segments\n"
        "print(sum(audio.duration for _, audio in read_segments(sys.argv[1], 16000)))"
    )
    seconds, peak = run_measured(code, str(tmp_path / "hour.flac"))
    assert float(seconds) == pytest.approx(3600)
    assert peak < 150e6


def test_a_copy_that_has_no_room_says_where_and_what_to_do() -> None:
    class Full(io.BytesIO):
        def write(self, content: Any) -> int:
            """As the system does, first take what there is room for, here two bytes."""
            if self.tell() == 2:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(content[: 2 - self.tell()])

    with pytest.raises(OSError, match=r"No space left on device in .* set TMPDIR") as error:
        copy_all(io.BytesIO(b"RIFF"), Full())
    assert error.value.errno == errno.ENOSPC


@pytest.mark.skipif(sys.platform != "linux", reason="files in memory")
def test_what_is_in_memory_needs_no_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As members of archives are: that the disk is full is no fault of theirs."""
    audio = Audio(np.linspace(-0.5, 0.5, 1600, dtype=np.float32), 16000)
    file = io.BytesIO()
    soundfile.write(file, audio.samples, 16000, "FLOAT", format="WAV")
    content = file.getvalue()

    def refuse(**options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(source, "TemporaryFile", refuse)
    np.testing.assert_array_equal(read_audio(io.BytesIO(content)).samples, audio.samples)
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        member = tarfile.TarInfo("a.wav")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    found = read_audio(tmp_path / "a.tar" / f"512+{len(content)}" / "a.wav")
    np.testing.assert_array_equal(found.samples, audio.samples)
