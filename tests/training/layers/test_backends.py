"""A run of any backend can be resumed on it and on TensorFlow, and exported."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from speechlstm.bundle import read_bundle
from speechlstm.storage import dump_checked, parse_checked

SETTINGS = """
[model]
num_layers = 1
num_units = 8
frame_stack = 4
[training]
num_epochs = 1
batch_seconds = 8
decay = 1.0
warmup_steps = 1
consistency = 0.2
precision = "float16"
[augmentation]
speeds = [1.0]
time_masks = 0
frequency_masks = 0
"""


def speechlstm(backend: str, *arguments: object) -> str:
    """What the command says on stderr."""
    process = subprocess.run(
        [sys.executable, "-m", "speechlstm", *map(str, arguments)],
        env=os.environ | {"KERAS_BACKEND": backend}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    return process.stderr


def set_epochs(run: Path, num_epochs: int) -> None:
    description = parse_checked((run / "run.json").read_text())
    description["training"]["num_epochs"] = num_epochs
    (run / "run.json").write_text(dump_checked(description))


def weights(run: Path) -> dict[str, bytes]:
    """Of the last checkpoint, the optimizer's too."""
    with np.load(run / "checkpoint.npz") as arrays:
        return {key: value.tobytes() for key, value in arrays.items() if key != "state"}


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_trains_resumes_and_is_exported(
    backend: str, write_tones: Callable[[Path, Sequence[str]], Path], tmp_path: Path
) -> None:
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    run, bundle = tmp_path / "run", tmp_path / "bundle"
    train = write_tones(tmp_path / "train.jsonl", ["abcabc", "ccbbaa", "acacac", "bbabcb"] * 2)
    valid = write_tones(tmp_path / "valid.jsonl", ["cababc", "bcabca"])
    (tmp_path / "settings.toml").write_text(SETTINGS)
    settings = ["--train", train, "--valid", valid, "--config", tmp_path / "settings.toml"]
    speechlstm(backend, "train", *settings, "-o", run)
    for num_epochs, resuming in ((2, backend), (3, "tensorflow")):
        set_epochs(run, num_epochs)
        said = speechlstm(resuming, "train", "--resume", "-o", run)
        assert f"epoch {num_epochs}/{num_epochs}: loss " in said
        if num_epochs == 2:
            whole = tmp_path / "whole"
            speechlstm(backend, "train", *settings, "--epochs", 2, "-o", whole)
            assert weights(run) == weights(whole)
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert np.isfinite([line["loss"] for line in lines]).all()
    assert lines[2]["loss"] < lines[0]["loss"]
    speechlstm(backend, "export", run, "-o", bundle)
    assert read_bundle(bundle).acoustic.alphabet.num_labels == 4
