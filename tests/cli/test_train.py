import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from speechlstm.bundle import default_bundle
from speechlstm.cli import main
from speechlstm.config import NetworkConfig, Settings
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


@pytest.mark.slow
def test_trains_and_resumes(folder: Path) -> None:
    run = folder / "run"
    manifests = (f"--train={folder / 'train.jsonl'}", f"--valid={folder / 'valid.jsonl'}")
    result = train(
        *manifests, "-o", run, "--config", folder / "settings.toml", "--epochs", "1",
        "--cache", folder / "cache",
    )  # fmt: skip
    assert (result.exit_code, result.stdout) == (0, f"{run}\n")
    summary, epoch = result.stderr.splitlines()
    assert summary.startswith("1 training utterance, 1 validation utterance, ")
    assert epoch.startswith("epoch 1/1: loss ")
    settings = json.loads((run / "run.json").read_text())
    assert (settings["model"]["num_units"], settings["training"]["num_epochs"]) == (4, 1)
    assert len(list((folder / "cache").glob("*.pcm"))) == 2
    again = train("--resume", "-o", run, "--cache", folder / "cache")
    nothing = "all 1 epochs have ended; to train on, use --resume with more --epochs"
    assert (again.exit_code, again.stdout) == (0, f"{run}\n")
    assert again.stderr.splitlines() == [summary, nothing]
    longer = train("--resume", "-o", run, "--cache", folder / "cache", "--epochs", "2")
    assert longer.exit_code == 0
    assert longer.stderr.splitlines()[1].startswith("epoch 2/2: loss ")
    shorter = train("--resume", "-o", run, "--cache", folder / "cache", "--epochs", "1")
    assert shorter.exit_code == 1
    reason = "2 epochs have ended already; --epochs must be at least 2, is 1"
    assert shorter.stderr == f"Error: {run}: {reason}\n"
    anew = train(*manifests, "-o", run, "--from-scratch")
    assert anew.exit_code == 1
    reason = "already holds a run; resume it with --resume, or name another folder"
    assert anew.stderr == f"Error: {run}: {reason}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "-o is missing: the folder of the run"),
        (["--train", "x", "--valid", "y"], "-o is missing: the folder of the run"),
        (["--plan", "--train", "x"], "a new run needs --train and --valid"),
        (["-o", "run"], "a new run needs --train and --valid"),
        (["-o", "run", "--train", "x.jsonl"], "a new run needs --train and --valid"),
        (["-o", "run", "--resume", "--train", "x.jsonl"], "--resume takes manifests and settings"),
        (["-o", "run", "--resume", "--config", "x.toml"], "--resume takes manifests and settings"),
        (["-o", "run", "--resume", "--seed", "0"], "No such option"),
        (["-o", "run", "--resume", "--precision", "bfloat16"], "--resume takes manifests and set"),
        (["-o", "run", "--resume", "--epochs", "0"], "'--epochs': 0 is not in the range x>=1"),
        (["-o", "run", "--resume", "--prepare"], "--prepare makes a new run"),
        (["-o", "run", "--train", "x", "--valid", "y", "--freeze", "1"], "--freeze needs a model"),
        (["-o", "run", "--resume", "--plan"], "--plan is for a new run"),
        (["-o", "run", "--train", "x", "--valid", "y", "--hourly-cost", "2"], "needs --plan"),
        (["-o", "run", "--train", "x:0", "--valid", "y"], "x:0: the weight must be above 0"),
        (["-o", "run", "--train", "x:-1", "--valid", "y"], "x:-1: the weight must be above 0"),
        (["-o", "run", "--train", "x:nan", "--valid", "y"], "x:nan: the weight must be above 0"),
        (
            ["-o", "run", "--train", "http://host:8765", "--valid", "y", "--freeze", "1"],
            "--freeze needs a model",  # after a colon, a server's port is no weight
        ),
        (["-o", "run", "--resume", "--process-id", "1"], "must be below --num-processes, 1, is 1"),
        (["-o", "run", "--epochs", "many"], "'many' is not a valid integer"),
        (["-o", "run", "--precision", "float8"], "'float8' is not one of"),
    ],
)
def test_wrong_usage(arguments: list[str], message: str) -> None:
    result = train(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


@pytest.mark.slow
def test_a_plan_writes_nothing(folder: Path, tmp_path: Path) -> None:
    manifests = (f"--train={folder / 'train.jsonl'}", f"--valid={folder / 'valid.jsonl'}")
    options = ("--config", folder / "settings.toml", "--from-scratch", "--hourly-cost", "3")
    for output in ((), ("-o", tmp_path / "run")):
        result = train(*manifests, *output, "--plan", *options)
        assert result.exit_code == 0
        assert "9 epochs" in result.stdout
        assert "at 3 an hour" in result.stdout
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("settings", "arguments", "message"),
    [
        ("[model]\nunits = 3", [], "{config}: model.units: unknown setting; known are cell, "),
        ("[network]\nx = 3", [], "{config}: network: unknown section; known are features, "),
        ("[training]\nseed = 'x'", [], "{config}: training.seed: must be a whole number, is 'x'"),
        ("[training", [], "{config}: not a TOML file: "),
        (None, [], "{config}: No such file or directory"),
        ("[training]\nfrozen_layers = 1", [], "training.frozen_layers: needs a model to start fr"),
        ("", ["--train", "missing.jsonl"], "missing.jsonl: cannot be read: No such file"),
        ("", ["--train", "missing.jsonl:2"], "missing.jsonl: cannot be read: No such file"),
        ("", ["--valid", "missing.jsonl"], "missing.jsonl: cannot be read: No such file"),
        (
            "",
            ["--valid", "{train}"],
            "{train}: the recording of train is in a training manifest, too",
        ),
        ("", ["--init-from", "missing"], "missing"),
    ],
)
def test_what_is_wrong_is_one_line(
    settings: str | None, arguments: list[str], message: str, folder: Path, tmp_path: Path
) -> None:
    config, manifest = tmp_path / "settings.toml", folder / "train.jsonl"
    if settings is not None:
        config.write_text(settings)
    start = [] if "--init-from" in arguments else ["--from-scratch"]
    result = train(
        "--train", manifest, "--valid", folder / "valid.jsonl", "-o", tmp_path / "run", *start,
        "--config", config, *(argument.format(train=manifest) for argument in arguments),
    )  # fmt: skip
    assert (result.exit_code, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: " + message.format(config=config, train=manifest))
    assert not (tmp_path / "run").exists()


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    result = train("--resume", "-o", tmp_path)
    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: {tmp_path}: holds no run of an acoustic model: "
        "No such file or directory: run.json\n"
    )


def test_data_that_cannot_be_used_leave_no_folder(folder: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "x.wav", np.zeros(1600), 16000)
    utterance = Utterance("x", "x.wav", 0.1, "a text of more characters than frames")
    write_manifest(tmp_path / "bad.jsonl", [utterance])
    run = tmp_path / "runs" / "mine"
    for which in ("--train", "--valid"):
        manifests = {"--train": folder / "train.jsonl", "--valid": folder / "valid.jsonl"}
        manifests[which] = tmp_path / "bad.jsonl"
        arguments = ["--from-scratch", *(word for pair in manifests.items() for word in pair)]
        result = train(*arguments, "-o", run)
        assert result.exit_code == 1
        assert "bad.jsonl: no usable utterance: " in result.stderr
        assert not (tmp_path / "runs").exists()
    run.mkdir(parents=True)
    (run / "notes.txt").write_text("mine")
    assert train(*arguments, "-o", run).exit_code == 1
    assert (run / "notes.txt").exists()
    assert not (run / "run.json").exists()


def test_lists_that_overlap_are_refused_on_resuming_too(folder: Path, tmp_path: Path) -> None:
    train_list, valid_list = tmp_path / "train.jsonl", tmp_path / "valid.jsonl"
    for path in (train_list, valid_list):
        shutil.copy(folder / path.name, path)
        shutil.copy((folder / path.name).with_suffix(".wav"), tmp_path)
    run = tmp_path / "run"
    made = train(
        "--train", train_list, "--valid", valid_list, "-o", run, "--prepare", "--from-scratch"
    )
    assert made.exit_code == 0
    shutil.copy(train_list, valid_list)
    result = train("--resume", "-o", run)
    assert result.exit_code == 1
    assert f"{valid_list}: the recording of train is in a training manifest, too" in result.stderr
    assert (run / "run.json").exists()


SLOW = """
import signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup
from speechlstm.cli import main
from speechlstm.training.engine.network import Network

update = Network.train_on_batch

def slow(*batch):
    print("updating", flush=True)
    sys.stdin.readline()
    return update(*batch)

Network.train_on_batch = slow
main()
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals that a process could handle")
@pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_saves_a_checkpoint_and_names_what_goes_on(
    number: str, code: int, folder: Path, tmp_path: Path
) -> None:
    run = tmp_path / "a run"
    command = [sys.executable, "-c", SLOW, "train", "-o", str(run), "--train",
               str(folder / "train.jsonl"), "--valid", str(folder / "valid.jsonl"),
               "--config", str(folder / "settings.toml"),
               "--cache", str(tmp_path / "cache")]  # fmt: skip
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "updating\n"
        other = train("--resume", "-o", run)
        assert other.exit_code == 1
        assert f"{run}: process {process.pid} is training here" in other.stderr
        process.send_signal(signal.Signals[number])
        _, stderr = process.communicate(timeout=600)
    assert process.returncode == code
    *_, last = stderr.splitlines()
    resume = f"speechlstm train --resume -o '{run}' --cache {tmp_path / 'cache'}"
    assert last == f"stopped; to continue: {resume}"
    assert (run / "checkpoint.npz").exists()
    again = train(*shlex.split(resume)[2:], "--epochs", "2")
    assert (again.exit_code, again.stdout) == (0, f"{run}\n")


@pytest.mark.slow
def test_trains_off_the_main_thread(folder: Path, tmp_path: Path) -> None:
    manifests = (f"--train={folder / 'train.jsonl'}", f"--valid={folder / 'valid.jsonl'}")
    settings = ("--config", folder / "settings.toml", "--epochs", "1")
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(train, *manifests, *settings, "-o", tmp_path / "run").result()
    assert result.exit_code == 0, result.stderr


def test_training_starts_from_the_model_of_the_package_unless_told_otherwise(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[object, int]] = []

    def run(train: object, valid: object, path: Path, settings: Any, **options: Any) -> None:
        made.append((options["init_from"], settings.model.num_units))

    monkeypatch.setattr("speechlstm.training.acoustic.recipe.train", run)
    monkeypatch.setattr(
        "speechlstm.training.acoustic.trained.trained_model",
        lambda path: SimpleNamespace(
            path=path, settings=Settings(model=NetworkConfig(num_units=9))
        ),
    )
    given = (f"--train={folder / 'train.jsonl'}", f"--valid={folder / 'valid.jsonl'}")
    result = train(*given, "-o", tmp_path / "run")
    assert result.stderr.startswith("less than 10 hours of speech: starting from english")
    source, num_units = made.pop()
    assert (source.path, num_units) == (default_bundle(), 9)  # type: ignore[attr-defined]
    assert train(*given, "-o", tmp_path / "run", "--from-scratch").stderr == ""
    assert made.pop() == (None, 256)
    result = train("--resume", "-o", tmp_path / "run", "--from-scratch")
    assert (result.exit_code, "--from-scratch makes a new run" in result.stderr) == (2, True)
