"""Training on a GPU, by whichever backend KERAS_BACKEND names; see scripts/check_gpu."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

import keras
import numpy as np
import pytest

from speechlstm.bundle import read_bundle
from speechlstm.config import Precision
from speechlstm.training.engine.devices import describe_devices, on_gpu
from speechlstm.training.layers.accelerator import has_gpu

pytestmark = pytest.mark.skipif(not has_gpu(), reason="Keras sees no GPU")

SETTINGS = """
[model]
num_layers = 2
num_units = 32
[training]
num_epochs = 4
batch_seconds = 8
learning_rate = 3e-3
warmup_steps = 1
consistency = 0.2
[augmentation]
room_probability = 0.3
telephone_probability = 0.2
"""


def speechlstm(*arguments: object) -> str:
    """What the command says on stderr."""
    command = [sys.executable, "-m", "speechlstm", *map(str, arguments)]
    process = subprocess.run(command, env=os.environ, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return process.stderr


@pytest.mark.parametrize("precision", get_args(Precision))
def test_trains_resumes_and_is_exported(
    precision: str, write_tones: Callable[[Path, Sequence[str]], Path], tmp_path: Path
) -> None:
    train = write_tones(tmp_path / "train.jsonl", ["abcabc", "ccbbaa", "acacac", "bbabcb"] * 4)
    valid = write_tones(tmp_path / "valid.jsonl", ["cababc", "bcabca"])
    (tmp_path / "settings.toml").write_text(SETTINGS)
    settings = ["--train", train, "--valid", valid, "--config", tmp_path / "settings.toml"]
    run, bundle = tmp_path / "run", tmp_path / "bundle"
    speechlstm("train", *settings, "--precision", precision, "-o", run)
    speechlstm("train", "--resume", "--epochs", 6, "-o", run)
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert np.isfinite([line["loss"] for line in lines]).all()
    assert lines[-1]["loss"] < lines[0]["loss"]
    if precision == "float32":
        speechlstm("export", run, "-o", bundle)
        assert read_bundle(bundle).acoustic.alphabet.num_labels == 4


def test_a_batch_is_placed_with_its_values() -> None:
    inputs = {"samples": np.random.default_rng(1).normal(size=(2, 99)).astype(np.float32)}
    targets = {"num_labels": np.array([3, 4], np.int32), "weights": np.ones(2, np.float32)}
    placed = on_gpu((inputs, targets))
    for given, found in zip((inputs, targets), placed, strict=True):
        for key, value in given.items():
            np.testing.assert_array_equal(keras.ops.convert_to_numpy(found[key]), value)


def test_doctor_names_it() -> None:
    assert describe_devices()["training"] != "on the CPU"
