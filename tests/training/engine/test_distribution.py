import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speechlstm.errors import AudioError, ConfigError, TrainingError
from speechlstm.storage import dump_checked, parse_checked
from speechlstm.training.engine.distribution import Address, Cluster, _naming_ended_processes

needs_jax = pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed")

SETTINGS = """
[model]
num_layers = 1
num_units = 8
dropout = 0
frame_stack = 4
[training]
num_epochs = 2
batch_seconds = 3.6
warmup_steps = 1
consistency = 0.2  # pairs of rows must not be torn apart
[augmentation]
speeds = [1.0]
"""

# The command line, in a process that at the end also writes the weights it has to a file.
KEEPING_WEIGHTS = """
import sys
from pathlib import Path
from speechlstm.cli import main
from speechlstm.training.engine.checkpoint import save_checkpoint
from speechlstm.training.acoustic.trainer import Trainer

path, train = Path(sys.argv.pop(1)), Trainer.train

def train_and_save(trainer):
    train(trainer)
    save_checkpoint(path, {"model": trainer.network.variables})

Trainer.train = train_and_save
main()
"""


@pytest.mark.parametrize("num_utterances", [1, 5, 6, 7, 12])
def test_rows_are_shared_in_equal_parts(num_utterances: int) -> None:
    parts = [Cluster(1, 1).rows(num_utterances)]
    assert parts == [range(num_utterances)]
    clusters = [unchecked(num_devices=2, num_processes=3, process_id=k) for k in range(3)]
    parts = [cluster.rows(num_utterances) for cluster in clusters]
    assert [row for part in parts for row in part] == list(range(-(-num_utterances // 6) * 6))
    assert len({len(part) for part in parts}) == 1
    assert [cluster.leads for cluster in clusters] == [True, False, False]


def unchecked(**values: Any) -> Cluster:
    """A cluster whatever the backend."""
    cluster = Cluster()
    for name, value in values.items():
        object.__setattr__(cluster, name, value)
    return cluster


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (
            {"num_devices": 2},
            "several devices in one process need the jax backend, but Keras runs on tensorflow",
        ),
        (
            {"num_processes": 2},
            "several processes need the torch or the jax backend, but Keras runs on tensorflow",
        ),
        ({"launched": True}, "torchrun needs the torch backend, but Keras runs on tensorflow"),
        (
            {"num_processes": 2, "process_id": 2},
            r"process id: must be in 0\.\.1 for 2 processes, is",
        ),
        ({"process_id": -1}, r"process id: must be in 0\.\.0 for 1 processes, is -1"),
    ],
)
def test_what_cannot_be_is_refused(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{reason}[^\n]*$"):
        Cluster(**values)


def start(
    backend: str, *arguments: object, devices: int = 1, weights: Path | None = None
) -> subprocess.Popen[str]:
    """`speechlstm train` in a process of its own, on processors that act as so many devices."""
    program = ["-c", KEEPING_WEIGHTS, str(weights)] if weights else ["-m", "speechlstm"]
    environment = os.environ | {
        "KERAS_BACKEND": backend,
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
    }
    return subprocess.Popen(
        [sys.executable, *program, "train", *map(str, arguments)],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def start_two(
    run: Path, weights: Sequence[Path | None] = (None, None)
) -> list[subprocess.Popen[str]]:
    """Two processes that train a run together."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    options = ["--resume", "-o", run, "--coordinator", address, "--num-processes", 2]
    return [start("jax", *options, "--process-id", k, weights=weights[k]) for k in range(2)]


def finish(*processes: subprocess.Popen[str]) -> list[str]:
    """What each said on stderr."""
    said = [process.communicate(timeout=900)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), said
    return said


def arrays(path: Path) -> dict[str, Any]:
    with np.load(path) as file:
        return {key: value for key, value in file.items() if key != "state"}


def assert_close(first: Path, second: Path, tolerance: float) -> None:
    one, other = arrays(first), arrays(second)
    assert one.keys() == other.keys()
    for key in one:
        np.testing.assert_allclose(one[key], other[key], atol=tolerance, err_msg=key)


def losses(run: Path) -> list[float]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [value for line in lines for value in (line["loss"], line["valid_loss"])]


@pytest.fixture(scope="module")
def prepared(
    tmp_path_factory: pytest.TempPathFactory, write_tones: Callable[[Path, Sequence[str]], Path]
) -> Callable[[str], Path]:
    """Makes a run of 11 utterances: an odd number, that two devices cannot share as it is."""
    folder = tmp_path_factory.mktemp("corpus")
    texts = np.random.default_rng(1).choice(list("abc"), (13, 6))
    train = write_tones(folder / "train.jsonl", ["".join(text) for text in texts[:11]])
    valid = write_tones(folder / "valid.jsonl", ["".join(text) for text in texts[11:]])
    (folder / "settings.toml").write_text(SETTINGS)

    def prepare(name: str) -> Path:
        run = folder / name
        arguments = ["--train", train, "--valid", valid, "--config", folder / "settings.toml"]
        finish(start("jax", *arguments, "--cache", folder / "cache", "-o", run, "--prepare"))
        return run

    return prepare


@pytest.fixture(scope="module")
def alone(prepared: Callable[[str], Path]) -> Path:
    """A run trained by one device."""
    run = prepared("alone")
    finish(start("jax", "--resume", "-o", run))
    return run


def test_an_error_of_a_file_is_none_of_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atexit, "register", lambda *_: None)
    with pytest.raises(AudioError, match="Connection reset"), _naming_ended_processes():
        raise AudioError("gloomy.wav", "Connection reset by peer")
    with pytest.raises(TrainingError, match="process has ended"), _naming_ended_processes():
        raise RuntimeError("[gloo/transport/tcp/pair.cc] Connection closed by peer")


@pytest.mark.parametrize("text", ["", "host", "host:", ":80", "host:http", "host:0", "host:65536"])
def test_addresses_are_checked(text: str) -> None:
    with pytest.raises(ConfigError, match="must be HOST:PORT"):
        Address.parse(text)


@pytest.mark.parametrize("text", ["10.0.0.1:4000", "[::1]:4000", "gpu-1.local:4000"])
def test_addresses_are_said_as_they_were_given(text: str) -> None:
    assert str(Address.parse(text)) == text


# A process that joins others and says what becomes of it.
JOINING = """
import sys
from speechlstm.errors import TrainingError
from speechlstm.training.engine.distribution import Address, Cluster

address, num_processes, process_id, state, seconds = sys.argv[1:]
try:
    cluster = Cluster(1, int(num_processes), int(process_id), Address.parse(address))
    with cluster.joined(state, float(seconds)):
        print("met", cluster.any(cluster.process_id == 1))
except TrainingError as error:
    print(error)
"""


def outcomes(*processes: tuple[int, int, str], seconds: float = 60) -> list[str]:
    """What becomes of processes: number of processes, id, state."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    environment = os.environ | {"KERAS_BACKEND": "jax"}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", JOINING, address, *map(str, process), str(seconds)],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for process in processes
    ]  # fmt: skip
    said = [process.communicate(timeout=300)[0].splitlines() for process in started]
    return [lines[-1].removeprefix(f"{address}: ") if lines else "" for lines in said]


@needs_jax
@pytest.mark.slow
def test_processes_meet_if_they_have_the_same_state() -> None:
    assert outcomes((2, 0, "x"), (2, 1, "x")) == ["met True"] * 2
    for outcome in outcomes((2, 0, "x"), (2, 1, "y")):
        assert outcome.startswith("the processes differ in their devices, their data")


@needs_jax
@pytest.mark.slow
@pytest.mark.parametrize("process_id", [0, 1])
def test_one_that_waits_in_vain_says_so(process_id: int) -> None:
    (outcome,) = outcomes((2, process_id, "x"), seconds=3)
    assert outcome.startswith("not all 2 processes connected within 3 s; start each with its own")


@needs_jax
@pytest.mark.slow
def test_two_devices_train_as_one(prepared: Callable[[str], Path], alone: Path) -> None:
    run = prepared("devices")
    (said,) = finish(start("jax", "--resume", "-o", run, "--devices", "2", devices=2))
    assert "2 devices" in said
    assert_close(run / "checkpoint.npz", alone / "checkpoint.npz", 1e-4)
    assert losses(run) == pytest.approx(losses(alone), rel=1e-4)


@needs_jax
@pytest.mark.slow
def test_two_processes_train_as_one(
    prepared: Callable[[str], Path], alone: Path, tmp_path: Path
) -> None:
    run = prepared("processes")
    weights = [tmp_path / f"{k}.npz" for k in range(2)]
    finish(*start_two(run, weights))
    for key, value in arrays(weights[0]).items():
        assert value.tobytes() == arrays(weights[1])[key].tobytes(), key
    assert_close(run / "checkpoint.npz", alone / "checkpoint.npz", 1e-4)
    assert losses(run) == pytest.approx(losses(alone), rel=1e-4)


@needs_jax
@pytest.mark.slow
def test_one_that_is_interrupted_or_killed_stops_all(prepared: Callable[[str], Path]) -> None:
    run = prepared("stopped")
    description = parse_checked((run / "run.json").read_text())
    description["training"] |= {"num_epochs": 1000, "early_stop": 0}
    (run / "run.json").write_text(dump_checked(description))

    with trained_an_epoch(run) as (first, second):
        second.send_signal(signal.SIGINT)
        for process in (first, second):
            process.communicate(timeout=300)
        assert (first.returncode, second.returncode) == (130, 130)
    with trained_an_epoch(run) as (first, second):
        second.kill()
        _, said = first.communicate(timeout=300)
        assert first.returncode == 1
        assert said.splitlines()[-1].startswith("Error: another process has ended")


@contextmanager
def trained_an_epoch(run: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """Two processes that have trained a run by one more epoch; they are ended with the block."""
    processes, before = start_two(run), num_epochs(run)
    try:
        while num_epochs(run) == before:
            assert [process.poll() for process in processes] == [None, None]
            time.sleep(0.1)
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def num_epochs(run: Path) -> int:
    path = run / "metrics.jsonl"
    return len(path.read_text().splitlines()) if path.exists() else 0
