import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from speechlstm.cli import main


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Half a second of noise at 8 kHz."""
    path = tmp_path / "noise.wav"
    soundfile.write(path, np.random.default_rng(1).normal(0, 0.1, 4000), 8000)
    return path


@pytest.mark.slow
def test_writes_and_draws_features(recording: Path, tmp_path: Path) -> None:
    output, plot, config = tmp_path / "x.npy", tmp_path / "x.png", tmp_path / "x.toml"
    config.write_text("[features]\nnum_mfcc = 13\ndeltas = 2\n")
    arguments = ["-o", str(output), "--plot", str(plot), "--config", str(config)]
    result = CliRunner().invoke(main, ["features", str(recording), *arguments])
    assert result.exit_code == 0, result.output
    assert result.output == (
        f"{recording}: 51 frames of 39 features, one every 10 ms: "
        "13 MFCC, Δ, ΔΔ, mean 0, variance 1\n"
    )
    features = np.load(output, allow_pickle=False)
    assert features.shape == (51, 39)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features.mean(0), 0, atol=1e-3)
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_a_missing_recording_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing.wav"
    result = CliRunner().invoke(main, ["features", str(missing), "-o", str(tmp_path / "x.npy")])
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {missing}: ")
    assert not (tmp_path / "x.npy").exists()


@pytest.mark.slow
def test_standard_input_is_a_recording(recording: Path) -> None:
    result = CliRunner().invoke(main, ["features", "-"], input=recording.read_bytes())
    assert result.exit_code == 0, result.output
    assert result.output.startswith("-: 51 frames of 40 features")
    result = CliRunner().invoke(main, ["features", "-"], input=b"To be, or not to be")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: -: cannot be decoded: it is not audio")


def test_a_wrong_setting_is_named(recording: Path, tmp_path: Path) -> None:
    config = tmp_path / "x.toml"
    config.write_text("[features]\nnum_mfccs = 13\n")
    result = CliRunner().invoke(main, ["features", str(recording), "--config", str(config)])
    assert result.exit_code == 1
    assert "features.num_mfccs: unknown setting" in result.stderr


@pytest.mark.slow
def test_a_missing_extra_is_named(recording: Path) -> None:
    code = (
        "import sys; sys.modules['keras'] = None; from speechlstm.cli import main;"
        f"main(['features', {str(recording)!r}])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True
    )
    assert result.returncode == 1
    assert result.stderr == (
        "Error: keras is not installed; run: pip install 'speechlstm[train]'\n"
    )
