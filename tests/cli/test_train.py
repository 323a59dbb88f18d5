import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from speechlstm.cli import main
from speechlstm.corpora.manifest import Utterance, write_manifest

SETTINGS = """
[model]
num_layers = 1
num_units = 4
[training]
num_epochs = 9
"""


def train(*arguments: Path | str) -> Result:
    return CliRunner().invoke(main, ["train", *map(str, arguments)])


@pytest.fixture(scope="module")
def folder(
    tmp_path_factory: pytest.TempPathFactory, spoken: Callable[[str], NDArray[np.float32]]
) -> Path:
    """Two manifests of an utterance each, and settings."""
    folder = tmp_path_factory.mktemp("train")
    for name in ("train", "valid"):
        samples = spoken("say it")
        soundfile.write(folder / f"{name}.wav", samples, 16000)
        utterance = Utterance(name, f"{name}.wav", len(samples) / 16000, "say it")
        write_manifest(folder / f"{name}.jsonl", [utterance])
    (folder / "settings.toml").write_text(SETTINGS)
    return folder


def test_trains_and_resumes(folder: Path) -> None:
    run = folder / "run"
    manifests = (f"--train={folder / 'train.jsonl'}", f"--valid={folder / 'valid.jsonl'}")
    result = train(
        *manifests, "-o", run, "--config", folder / "settings.toml", "--epochs", "1",
        "--cache", folder / "cache",
    )  # fmt: skip
    assert (result.exit_code, result.stdout) == (0, f"{run}\n")
    summary, epoch = result.stderr.splitlines()
    assert summary.startswith("1 utterance to learn from, 1 to measure on, ")
    assert epoch.startswith("epoch 1/1: loss ")
    settings = json.loads((run / "run.json").read_text())
    assert (settings["model"]["num_units"], settings["training"]["num_epochs"]) == (4, 1)
    assert len(list((folder / "cache").iterdir())) == 2
    again = train("--resume", "-o", run, "--cache", folder / "cache")
    assert (again.exit_code, again.stdout, again.stderr) == (0, f"{run}\n", f"{summary}\n")
    anew = train(*manifests, "-o", run)
    assert anew.exit_code == 1
    assert anew.stderr == f"Error: {run}: holds a run; resume it with --resume or name another\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing option '-o' / '--output'"),
        (["-o", "run"], "--train and --valid are needed, or --resume"),
        (["-o", "run", "--train", "x.jsonl"], "--train and --valid are needed, or --resume"),
        (["-o", "run", "--resume", "--train", "x.jsonl"], "--resume takes manifests and settings"),
        (["-o", "run", "--resume", "--config", "x.toml"], "--resume takes manifests and settings"),
        (["-o", "run", "--resume", "--epochs", "0"], "--resume takes manifests and settings"),
        (["-o", "run", "--epochs", "many"], "'many' is not a valid integer"),
        (["-o", "run", "--precision", "float8"], "'float8' is not one of"),
    ],
)
def test_wrong_usage(arguments: list[str], message: str) -> None:
    result = train(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


@pytest.mark.parametrize(
    ("settings", "arguments", "message"),
    [
        ("[model]\nunits = 3", [], "{config}: model.units: unknown setting; known are cell, "),
        ("[network]\nx = 3", [], "{config}: network: unknown section; known are features, "),
        ("[training]\nseed = 'x'", [], "{config}: training.seed: must be a whole number, is 'x'"),
        ("[training", [], "{config}: not a TOML file: "),
        (None, [], "{config}: No such file or directory"),
        ("", ["--epochs", "0"], "training.num_epochs: must be at least 1, is 0"),
        ("", ["--freeze", "1"], "training.frozen_layers: needs a model to start from"),
        ("", ["--train", "missing.jsonl"], "missing.jsonl: cannot be read: No such file"),
        ("", ["--valid", "missing.jsonl"], "missing.jsonl: cannot be read: No such file"),
        ("", ["--valid", "{train}"], "{train}: train is in a training manifest too"),
        ("", ["--init-from", "missing"], "missing"),
    ],
)
def test_what_is_wrong_is_one_line(
    settings: str | None, arguments: list[str], message: str, folder: Path, tmp_path: Path
) -> None:
    config, manifest = tmp_path / "settings.toml", folder / "train.jsonl"
    if settings is not None:
        config.write_text(settings)
    result = train(
        "--train", manifest, "--valid", folder / "valid.jsonl", "-o", tmp_path / "run",
        "--config", config, *(argument.format(train=manifest) for argument in arguments),
    )  # fmt: skip
    assert (result.exit_code, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: " + message.format(config=config, train=manifest))
    assert not (tmp_path / "run").exists()


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    result = train("--resume", "-o", tmp_path)
    assert result.exit_code == 1
    assert (
        result.stderr == f"Error: {tmp_path}: holds no run: No such file or directory: run.json\n"
    )
