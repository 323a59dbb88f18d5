import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from speechlstm.bundle import default_bundle, read_bundle
from speechlstm.cli import main
from speechlstm.corpora.manifest import Utterance, write_manifest
from speechlstm.decoding.confidence import Calibration
from speechlstm.evaluation.tuning import NEURAL_LM_WEIGHTS


@pytest.fixture
def bundle(
    levels_bundle: Path,
    tmp_path: Path,
    spoken: Callable[[str], NDArray[np.float32]],
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A bundle, and m.jsonl with a recording that only a language model can tell."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(levels_bundle, "bundle")
    soundfile.write("a.wav", 0.48 * spoken("a hat") + 0.52 * spoken("a hbt"), 16000)
    write_manifest(Path("m.jsonl"), [Utterance("a", "a.wav", 0.2, "a hat")])
    return Path("bundle")


def tune(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["tune", "bundle", "m.jsonl", *arguments])


@pytest.mark.slow
def test_gives_a_bundle_the_language_model_and_its_weights(bundle: Path, tiny_lm: Path) -> None:
    result = tune("--lm", str(tiny_lm))
    assert (result.exit_code, result.stderr) == (0, "")
    heading, *rows = result.stdout.splitlines()
    assert heading.split()[:7] == [
        *("lm_weight", "word_bonus", "prior_weight", "pause", "beam_width", "LSTM", "WER")
    ]
    assert [row.split()[4] for row in rows[-6:-2]] == ["64", "128", "256", "512"]
    tuned = read_bundle(bundle)
    assert f"beam_width {tuned.decoder.config.beam_width}" in rows[-2]
    assert "0.00%" in rows[-3]
    assert tuned.decoder.lm is not None
    assert tuned.decoder.lm.read_bytes() == tiny_lm.read_bytes()
    assert tuned.decoder.calibration is not None
    assert tuned.decoder.config.num_hypotheses == 1
    assert tuned.decoder.prior is not None
    assert len(tuned.decoder.prior.log_probs) == tuned.acoustic.alphabet.num_labels
    assert Path("bundle.png").read_bytes().startswith(b"\x89PNG")
    result = CliRunner().invoke(main, ["transcribe", "--model", "bundle", "a.wav"])
    assert result.stdout == "a hat\n"


def test_a_picture_beside_the_bundle_is_never_lost(bundle: Path, tiny_lm: Path) -> None:
    Path("bundle.png").write_bytes(b"a photograph")
    result = tune("--lm", str(tiny_lm))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "bundle.png is not a plot of tune: choose another file with -o" in result.stderr
    assert Path("bundle.png").read_bytes() == b"a photograph"
    assert read_bundle(bundle).decoder.lm is None


@pytest.mark.slow
def test_a_second_language_model_goes_into_the_bundle_and_stays(
    bundle: Path, tiny_lm: Path
) -> None:
    lstm = Path(__file__).parent.parent / "assets" / "language_model.tflite"
    assert tune("--lm", str(tiny_lm), "--rescore", str(lstm)).exit_code == 0
    first = read_bundle(bundle)
    assert tune().exit_code == 0
    for tuned in (first, read_bundle(bundle)):
        assert tuned.decoder.neural_lm is not None
        assert tuned.decoder.neural_lm.read_bytes() == lstm.read_bytes()
        assert tuned.decoder.neural_lm_config.weight in (0.0, *NEURAL_LM_WEIGHTS)
        assert tuned.decoder.neural_lm_config.mode == "rescore"
    result = CliRunner().invoke(main, ["transcribe", "--model", "bundle", "a.wav"])
    assert result.stdout == "a hat\n"


def test_a_network_for_readable_text_goes_into_the_bundle_and_stays(bundle: Path) -> None:
    network = read_bundle(default_bundle()).decoder.punctuator
    assert network is not None
    assert tune("--punctuator", str(network)).exit_code == 0
    assert tune().exit_code == 0
    tuned = read_bundle(bundle).decoder.punctuator
    assert tuned is not None
    assert tuned.read_bytes() == network.read_bytes()
    arguments = ["transcribe", "--readable", "--format", "srt", "--model", "bundle", "a.wav"]
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "A h" in result.stdout


def test_what_is_no_network_for_readable_text_is_refused(bundle: Path, tiny_lm: Path) -> None:
    before = {p.name: p.read_bytes() for p in bundle.iterdir()}
    result = tune("--punctuator", str(tiny_lm))
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith(f"Error: {tiny_lm}: ")
    assert {p.name: p.read_bytes() for p in bundle.iterdir()} == before


@pytest.mark.slow
def test_a_dry_run_writes_no_bundle(bundle: Path, tiny_lm: Path) -> None:
    before = {p.name: p.read_bytes() for p in bundle.iterdir()}
    assert tune("--lm", str(tiny_lm), "--dry-run", "-o", "surface.png").exit_code == 0
    assert {p.name: p.read_bytes() for p in bundle.iterdir()} == before
    assert Path("surface.png").exists()


def test_without_a_language_model_confidences_are_calibrated(bundle: Path) -> None:
    result = tune()
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 2
    tuned = read_bundle(bundle)
    assert tuned.decoder.calibration not in (None, Calibration())
    assert tuned.decoder.prior is None
    assert not tuned.decoder.is_search


def test_recordings_that_cannot_be_read_are_listed(bundle: Path) -> None:
    with Path("m.jsonl").open("a") as file:
        file.write(json.dumps({"id": "b", "audio": "b.wav", "duration": 1.0, "text": "b"}))
    result = tune()
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: b: b.wav: cannot be read")
    assert read_bundle(bundle).decoder.calibration is not None


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (["--lm", "no.lm"], 1, "no.lm: cannot be read"),
        (["--lm", "a.wav"], 1, "a.wav: "),
        (["--lm", "theirs.arpa"], 2, "speechlstm lm convert"),
        (["--rescore", "no.tflite"], 1, "no.tflite: needs an n-gram model, and bundle has"),
        (["--lexicon", "no.txt"], 1, "no.txt"),
        (["--g2p", "no.tflite"], 1, "no.tflite: No such file"),
        (["--pronouncer", "no.tflite"], 1, "no.tflite: No such file"),
        (["none.jsonl"], 1, "none.jsonl: cannot be read"),
    ],
)
def test_bad_input_is_one_line(
    bundle: Path, arguments: list[str], exit_code: int, message: str
) -> None:
    result = tune(*arguments)
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert message in result.stderr.splitlines()[-1]
    assert read_bundle(bundle).decoder.calibration is None


def test_the_model_of_the_package_is_not_tuned(bundle: Path) -> None:
    result = CliRunner().invoke(main, ["tune", "english", "m.jsonl"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "make one with speechlstm export english -o my-model" in result.stderr
    shutil.copytree(bundle, "english")
    assert CliRunner().invoke(main, ["tune", "english", "m.jsonl", "--dry-run"]).exit_code == 0
