from pathlib import Path

import numpy as np
import pytest
import soundfile

from speechlstm.audio import Piece, known_duration, read_audio, read_duration, read_segments
from speechlstm.errors import AudioError, DamagedAudioError

RATE = 8000
SAMPLES = np.random.default_rng(5).integers(-9000, 9000, 40 * RATE).astype(np.int16)
FORMATS = ["wav", "flac", "aiff", "caf", "w64", "ogg", "mp3"]


@pytest.fixture(scope="module", params=FORMATS)
def recording(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pieces") / f"long.{request.param}"
    soundfile.write(path, SAMPLES, RATE)
    return path


@pytest.mark.parametrize(("start", "duration"), [(0.0, 1.0), (12.3457, 2.5), (9.0, 20.0), (39, 1)])
def test_a_piece_is_that_part_of_the_whole(recording: Path, start: float, duration: float) -> None:
    whole = read_audio(recording).samples
    piece = read_audio(Piece(recording, start, duration))
    first = round(start * RATE)
    assert piece.sample_rate == RATE
    np.testing.assert_array_equal(piece.samples, whole[first : round((start + duration) * RATE)])
    assert read_duration(Piece(recording, start, duration)) == pytest.approx(duration, abs=1e-3)
    assert known_duration(Piece(recording, start, duration)) == duration


def test_a_piece_of_samples_without_loss_is_exact(tmp_path: Path) -> None:
    stereo = np.stack([SAMPLES, SAMPLES // 2], axis=1)
    soundfile.write(tmp_path / "a.flac", stereo, RATE)
    audio = read_audio(Piece(tmp_path / "a.flac", 30.0, 1.0), channel=2)
    np.testing.assert_array_equal(audio.samples * 32768, stereo[30 * RATE : 31 * RATE, 1])


def test_a_piece_is_read_in_segments_as_the_whole_is(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", SAMPLES, RATE)
    piece = Piece(tmp_path / "a.wav", 5.0, 30.0)
    joined = np.concatenate([audio.samples for _, audio in read_segments(piece, RATE, 4.0)])
    np.testing.assert_array_equal(joined * 32768, SAMPLES[5 * RATE : 35 * RATE])


def test_only_the_piece_of_a_long_recording_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "a.wav", SAMPLES, RATE)
    decoded = []
    read = soundfile.SoundFile.read
    monkeypatch.setattr(
        soundfile.SoundFile, "read", lambda *a, **k: decoded.append(read(*a, **k)) or decoded[-1]
    )
    read_audio(Piece(tmp_path / "a.wav", 20.0, 1.0))
    assert len(decoded) == 1
    np.testing.assert_array_equal(decoded[0][0] * 32768, SAMPLES[20 * RATE])


@pytest.mark.parametrize(("start", "duration"), [(39.5, 1.0), (41.0, 1.0), (1e6, 1.0)])
def test_a_piece_beyond_the_end_is_refused(recording: Path, start: float, duration: float) -> None:
    with pytest.raises(AudioError, match=r"lasts 40\.\d\d s, but a piece of it is to end at"):
        read_audio(Piece(recording, start, duration))


def test_an_end_that_was_rounded_is_allowed(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", SAMPLES, RATE)
    assert read_audio(Piece(tmp_path / "a.wav", 39.0, 1.05)).duration == 1.0


def test_damage_counts_only_within_the_piece(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, SAMPLES, RATE)
    path.write_bytes(path.read_bytes()[: 44 + 2 * 30 * RATE])
    assert read_audio(Piece(path, 20.0, 5.0)).duration == 5.0
    with pytest.raises(DamagedAudioError, match=r"truncated at 5\.00 s, at least 3 s are missing"):
        read_audio(Piece(path, 25.0, 8.0))
    with pytest.raises(AudioError):
        read_audio(Piece(path, 32.0, 2.0))


def test_pieces_of_raw_recordings(tmp_path: Path) -> None:
    SAMPLES.astype("<i2").tofile(tmp_path / "a.raw")
    audio = read_audio(Piece(tmp_path / "a.raw", 3.0, 2.0), raw_rate=RATE)
    np.testing.assert_array_equal(audio.samples * 32768, SAMPLES[3 * RATE : 5 * RATE])
