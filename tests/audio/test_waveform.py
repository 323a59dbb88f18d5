import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from speechlstm.audio import Audio, read_audio
from speechlstm.errors import AudioError


def tone(seconds: float, rate: int, hertz: float = 300.0) -> NDArray[np.float64]:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


@pytest.mark.parametrize("samples", [np.zeros((2, 5), np.float32), np.zeros(5)])
def test_audio_refuses_other_arrays(samples: NDArray[Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Audio(samples, 16000)


@pytest.mark.parametrize(
    ("dtype", "zero", "half", "least"),
    [
        ("int8", 0, 64, -128),
        ("int16", 0, 16384, -32768),
        ("int32", 0, 2**30, -(2**31)),
        ("uint8", 128, 192, 0),
        ("uint16", 32768, 49152, 0),
        ("float16", 0, 0.5, -1),
        ("float32", 0, 0.5, -1),
        ("float64", 0, 0.5, -1),
        (">i2", 0, 16384, -32768),
    ],
)
def test_any_type_has_its_own_full_scale(dtype: str, zero: Any, half: Any, least: Any) -> None:
    audio = Audio.from_array(np.array([zero, half, least], dtype), 16000)
    assert audio.samples.dtype == np.float32
    assert audio.samples.tolist() == [0, 0.5, -1]


@pytest.mark.parametrize("dtype", ["int16", "int32", "float32", "float64"])
def test_arrays_are_what_soundfile_reads_of_a_file(tmp_path: Path, dtype: str) -> None:
    soundfile.write(tmp_path / "a.wav", np.stack([tone(1, 44100), tone(1, 44100, 500)], 1), 44100)
    samples, rate = soundfile.read(tmp_path / "a.wav", dtype=dtype)
    audio = Audio.from_array(samples, rate)
    assert audio.sample_rate == 44100
    np.testing.assert_allclose(audio.samples, read_audio(tmp_path / "a.wav").samples, 0, 1e-6)


def test_a_list_of_floats_is_an_array_and_what_exceeds_full_scale_is_clipped_or_scaled() -> None:
    assert Audio.from_array([0.25, -1.25], 8000).samples.tolist() == [0.25, -1]
    assert Audio.from_array([0.25, -2.0], 8000).samples.tolist() == [0.125, -1]


@pytest.mark.parametrize("spike", [1.5, 4.0, 15.0])
def test_a_click_makes_a_recording_no_quieter(spike: float) -> None:
    samples = np.random.default_rng(3).uniform(-0.5, 0.5, 16000).astype(np.float32)
    samples[500], samples[9000] = spike, -spike
    np.testing.assert_array_equal(Audio.from_array(samples, 16000).samples, np.clip(samples, -1, 1))


@pytest.mark.parametrize("peak", [1e-45, 1e-4, 0.029])
def test_what_is_quiet_is_levelled_with_its_shape(peak: float) -> None:
    samples = np.array([1, -1, 0, 0], np.float32) * np.float32(peak)
    levelled = Audio(samples, 16000).levelled().samples
    np.testing.assert_allclose(levelled, [0.03, -0.03, 0, 0], rtol=1e-6)


@pytest.mark.parametrize("samples", [[0.0, 0.0], [0.5, 0.5], [0.03, -0.03], []])
def test_silence_and_what_is_loud_enough_gets_no_louder(samples: list[float]) -> None:
    levelled = Audio(np.array(samples, np.float32), 16000).levelled().samples
    expected = np.array(samples) - (np.mean(samples) if samples else 0)
    np.testing.assert_array_equal(levelled, expected.astype(np.float32))


def test_what_is_far_louder_than_full_scale_keeps_its_shape_beside_a_click() -> None:
    samples = 6 * tone(1, 16000)
    samples[500] = 15
    scaled = Audio.from_array(samples, 16000).samples
    others = np.arange(16000) != 500
    assert scaled[500] == 1
    assert np.abs(scaled[others]).max() == pytest.approx(1 / 1.5, abs=1e-3)
    np.testing.assert_allclose(scaled[others], samples[others] / 4.5, atol=1e-3)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros((2, 16000)), r"not \(2, 16000\); transpose it"),
        (np.zeros((1, 2, 3)), r"not \(1, 2, 3\)"),
        (np.zeros((16000, 0)), r"not \(16000, 0\)"),
        (np.float32(1), "not float32"),
        (np.zeros(5, np.int64), r"must be floats .* int64"),
        (np.zeros(5, bool), "not bool"),
        (np.zeros(5, complex), "not complex128"),
        (np.array(["a"]), "not <U1"),
        (np.array([0, np.nan]), r"\(2,\): .*not finite"),
        (np.array([0, 1e300]), "not finite"),
        (np.array([0.0, 32767.0]), "full scale is 1"),
    ],
)
def test_arrays_that_are_no_waveform_are_refused(samples: NDArray[Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Audio.from_array(samples, 16000)


@pytest.mark.parametrize("rate", [0, -16000, 1, 3999, 768001, 16000.5, None, "16000", np.nan])
def test_rates_that_no_recording_has_are_refused(rate: Any) -> None:
    with pytest.raises(ValueError, match="sample rate"):
        Audio.from_array(np.zeros(16000), rate)


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_a_resampled_tone_is_that_tone(rate: int) -> None:
    audio = Audio.from_array(tone(1, 44100), 44100).resampled(rate)
    assert (audio.sample_rate, len(audio.samples)) == (rate, rate)
    middle = slice(rate // 10, -rate // 10)
    np.testing.assert_allclose(audio.samples[middle], tone(1, rate)[middle], rtol=0, atol=1e-3)
    assert audio.resampled(rate) is audio
    with pytest.raises(ValueError, match="sample rate"):
        audio.resampled(100)


def test_load_reads_files_and_file_objects(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    soundfile.write(path, tone(1, 22050), 22050)
    want = Audio.load(path)
    assert (want.sample_rate, len(want.samples)) == (22050, 22050)
    with path.open("rb") as file:
        for source in (str(path), file, io.BytesIO(path.read_bytes())):
            assert np.array_equal(Audio.load(source).samples, want.samples)
    assert Audio.load(path, 16000).duration == pytest.approx(1)
    with pytest.raises(AudioError, match="cannot be decoded"):
        Audio.load(io.BytesIO(b"no sound " * 100))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (None, "must be a path or a binary file object, not NoneType"),
        (5, "not int"),
        (b"RIFF", "not bytes; .* io.BytesIO makes a file object"),
        (np.zeros(16000), "not ndarray; Audio.from_array takes samples"),
        (io.StringIO("text"), r'must be binary: open\(path, "rb"\)'),
    ],
)
def test_what_is_no_recording_is_refused_with_what_to_do(source: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        Audio.load(source)


def test_file_objects_that_have_nothing_to_read_say_why(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(1, 16000), 16000)
    with (tmp_path / "a.wav").open("rb") as file:
        file.read()
        with pytest.raises(
            AudioError, match=r"a\.wav: is empty .* from its position on; seek\(0\)"
        ):
            Audio.load(file)
    with pytest.raises(
        AudioError, match=r"is empty \(0 bytes\)$"
    ):  # there is nothing to go back to
        Audio.load(io.BytesIO())
    with (
        (tmp_path / "b.wav").open("wb") as file,
        pytest.raises(TypeError, match=r'open for reading: open\(path, "rb"\)'),
    ):
        Audio.load(file)


def test_anything_that_has_a_path_is_a_path(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(1, 16000), 16000)
    (entry,) = os.scandir(tmp_path)
    assert Audio.load(entry).duration == 1.0
    with pytest.raises(AudioError, match=r"\\ud800: cannot be read: no file can have this name"):
        Audio.load("\ud800")


@pytest.mark.parametrize(
    ("samples", "name"),
    [(bytes(9000), "bytes"), (bytearray(9000), "bytearray"), (None, "NoneType"), (0.5, "float")],
)
def test_what_is_no_array_is_refused_with_what_to_do(samples: Any, name: str) -> None:
    with pytest.raises(ValueError, match=f"an array, not {name}; .* np.frombuffer"):
        Audio.from_array(samples, 16000)


def test_no_samples_of_two_channels_are_no_samples() -> None:
    assert Audio.from_array(np.zeros((0, 2)), 16000).samples.shape == (0,)


@pytest.mark.parametrize("rate", [0, -8000, "16000", 8000.5])
def test_rates_that_are_no_number_of_samples_are_refused(tmp_path: Path, rate: Any) -> None:
    soundfile.write(tmp_path / "a.wav", tone(1, 16000), 16000)
    with pytest.raises(ValueError, match="the sample rate must be"):
        Audio.load(tmp_path / "a.wav", rate)


def test_samples_of_other_types_are_refused_with_what_to_do() -> None:
    for samples in ([0.0] * 100, np.zeros(100), np.zeros((100, 2), np.float32)):
        with pytest.raises(ValueError, match=r"Audio\.from_array converts other arrays"):
            Audio(samples, 16000)  # type: ignore[arg-type]
