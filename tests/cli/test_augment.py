import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result

from speechlstm.cli import main
from speechlstm.corpora.manifest import Utterance, write_manifest

NO_FILE = "No such file or directory"


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A second of a tone of 500 Hz."""
    path = tmp_path / "tone.wav"
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * 500 * np.arange(16000) / 16000), 16000)
    return path


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Settings under which everything happens; the noise is a hum of 2000 Hz."""
    hum = np.sin(2 * np.pi * 2000 * np.arange(4000) / 16000)
    soundfile.write(tmp_path / "hum.wav", hum, 16000)
    write_manifest(tmp_path / "noise.jsonl", [Utterance("hum", "hum.wav", 0.25)])
    path = tmp_path / "x.toml"
    path.write_text(
        '[augmentation]\nspeeds = [0.8]\nroom_probability = 1\nnoise = ["noise.jsonl"]\n'
        "noise_probability = 1\nnoise_snr_db = [6, 6]\ntelephone_probability = 1\ngain_db = 20\n"
    )
    return path


def augment(recording: Path, output: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["augment", str(recording), "-o", str(output), *arguments])


def test_writes_what_it_says(recording: Path, config: Path, tmp_path: Path) -> None:
    output = tmp_path / "x.wav"
    result = augment(recording, output, "--config", str(config))
    assert result.exit_code == 0, result.output
    assert re.fullmatch(
        r".*x\.wav: speed 0\.8, room 0\.\d\d s, noise at 6\.0 dB, telephone, gain [+-]\d+\.\d dB\n",
        result.output,
    )
    samples, rate = soundfile.read(output)
    assert (rate, len(samples)) == (16000, 20000)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(20000)))
    tone, hum = (spectrum[hertz * 20000 // 16000] for hertz in (400, 2000))  # 500 Hz, slower
    assert tone == spectrum.max()
    assert 20 * np.log10(tone / hum) == pytest.approx(6, abs=1)  # the echo's power is speech's


def test_each_epoch_sounds_different(recording: Path, config: Path, tmp_path: Path) -> None:
    sounds = [tmp_path / f"{k}.wav" for k in range(5)]
    for sound, epoch, seed, name in zip(
        sounds, "11211", "77787", ["tone", "tone", "tone", "tone", "other"], strict=True
    ):
        arguments = ("--config", str(config), "--epoch", epoch, "--seed", seed, "--id", name)
        assert augment(recording, sound, *arguments).exit_code == 0
    # Not the files: libsndfile writes the time into those of floating point.
    first, *others = (soundfile.read(sound)[0].tobytes() for sound in sounds)
    assert [other == first for other in others] == [True, False, False, False]


def test_a_missing_recording_is_named(tmp_path: Path) -> None:
    result = augment(tmp_path / "none.wav", tmp_path / "x.wav")
    assert result.exit_code == 1
    assert result.stderr == f"Error: {tmp_path / 'none.wav'}: cannot be read: {NO_FILE}\n"
    assert not (tmp_path / "x.wav").exists()


def test_missing_noise_is_named(recording: Path, config: Path, tmp_path: Path) -> None:
    (tmp_path / "noise.jsonl").unlink()
    result = augment(recording, tmp_path / "x.wav", "--config", str(config))
    assert result.exit_code == 1
    assert result.stderr == f"Error: {tmp_path / 'noise.jsonl'}: cannot be read: {NO_FILE}\n"
