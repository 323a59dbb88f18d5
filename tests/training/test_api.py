"""What `speechlstm.training` offers: two calls from a manifest to a bundle."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import speechlstm.training
from speechlstm.audio import read_audio
from speechlstm.config import NetworkConfig, Settings, TrainConfig
from speechlstm.recognizer import Recognizer
from speechlstm.training import export, resume, train

SETTINGS = Settings(
    model=NetworkConfig(num_layers=1, num_units=4), training=TrainConfig(num_epochs=1)
)


def test_the_public_names_are_listed() -> None:
    assert {"export", "resume", "train"} <= set(dir(speechlstm.training))
    assert speechlstm.training.train is train
    with pytest.raises(AttributeError, match="has no attribute 'trian'"):
        _ = speechlstm.training.trian


@pytest.mark.slow
def test_from_a_manifest_to_a_bundle(
    write_tones: Callable[[Path, Sequence[str]], Path], tmp_path: Path
) -> None:
    learnt = write_tones(tmp_path / "train.jsonl", ["ab", "ba c"])
    held_out = write_tones(tmp_path / "valid.jsonl", ["abc"])
    lines: list[str] = []
    run = train(str(learnt), [held_out], str(tmp_path / "run"), SETTINGS, report=lines.append)
    assert lines[-1].startswith("epoch 1/1: loss ")
    assert resume(run.path, 2, report=lines.append).settings.training.num_epochs == 2
    assert lines[-1].startswith("epoch 2/2: loss ")
    verification = export(str(run.path), str(tmp_path / "bundle"), manifests=[str(held_out)])
    assert verification.failures == []
    recognizer = Recognizer.load(tmp_path / "bundle")
    audio = read_audio(tmp_path / "valid0.wav", 16000)
    assert set(recognizer.transcribe(audio).text) <= set("abc ")


IMPORTING = """
import os
import keras  # imports jax where it is installed, which sets TF_CPP_MIN_LOG_LEVEL

def settings():
    where = os.fstat(2)
    names = ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL")
    return [os.environ.get(name) for name in names], where.st_dev, where.st_ino

before, replaced, os.dup2 = settings(), [], lambda *descriptors: replaced.append(descriptors)
import speechlstm.training.acoustic.recipe, speechlstm.training.lm.trainer
assert (settings(), replaced) == (before, [])
"""


@pytest.mark.slow
def test_an_import_changes_nothing_in_the_process() -> None:
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    subprocess.run([sys.executable, "-c", IMPORTING], env=environment, check=True)


@pytest.mark.parametrize(
    "backend", ["numpy", *(pytest.param(b, marks=pytest.mark.slow) for b in ("openvino", "none"))]
)
@pytest.mark.parametrize("verb", [pytest.param("doctor", marks=pytest.mark.slow), "train"])
def test_a_backend_that_cannot_train_is_named(verb: str, backend: str, tmp_path: Path) -> None:
    manifests = ["--train", "x.jsonl", "--valid", "y.jsonl", "-o", f"{tmp_path / 'run'}"]
    ended = subprocess.run(
        [sys.executable, "-m", "speechlstm", verb, *(manifests if verb == "train" else [])],
        env=os.environ | {"KERAS_BACKEND": backend}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    reason = f"KERAS_BACKEND: the backend {backend!r} cannot train: set this environment variable"
    if verb == "doctor":
        assert f"training        not possible: {reason}" in ended.stdout
    else:
        assert (ended.returncode, ended.stderr.startswith(f"Error: {reason}")) == (1, True)
    assert "Traceback" not in ended.stderr
