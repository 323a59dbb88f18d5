import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speechlstm.training.engine.torch_processes import _agreed_name

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed"),
]

SETTINGS = """
[model]
num_layers = 1
num_units = 8
dropout = 0
frame_stack = 4
[training]
num_epochs = 5
batch_seconds = 3.6
warmup_steps = 1
learning_rate = 0.003
checkpoint_minutes = 0
consistency = 0.2  # pairs of rows must not be torn apart
[augmentation]
speeds = [1.0, 1.1]
"""


@pytest.fixture(scope="module")
def corpus(
    tmp_path_factory: pytest.TempPathFactory, write_tones: Callable[[Path, Sequence[str]], Path]
) -> list[object]:
    """The options of a new run of 11 utterances, which no two processes can share as it is."""
    folder = tmp_path_factory.mktemp("corpus")
    texts = np.random.default_rng(1).choice(list("abc"), (13, 6))
    train = write_tones(folder / "train.jsonl", ["".join(text) for text in texts[:11]])
    valid = write_tones(folder / "valid.jsonl", ["".join(text) for text in texts[11:]])
    (folder / "settings.toml").write_text(SETTINGS)
    return [
        "--train", train, "--valid", valid, "--config", folder / "settings.toml", "--from-scratch",
    ]  # fmt: skip


def torchrun(*options: object, restarts: int = 0, num_processes: int = 2) -> list[str]:
    """The command that trains in several processes of this machine."""
    launcher = ["--standalone", "--nproc-per-node", num_processes, "--max-restarts", restarts]
    module = ["torch.distributed.run", *map(str, launcher), "-m", "speechlstm"]
    return [sys.executable, "-m", *module, "train", *map(str, options)]


def alone(*options: object) -> list[str]:
    return [sys.executable, "-m", "speechlstm", "train", *map(str, options)]


def start(command: Sequence[str]) -> subprocess.Popen[str]:
    environment = os.environ | {"KERAS_BACKEND": "torch", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(command: Sequence[str], code: int = 0) -> tuple[list[str], list[str]]:
    """The lines that a command prints on stdout, and those of this program on stderr."""
    process = start(command)
    out, err = process.communicate(timeout=900)
    assert process.returncode == code, err
    return out.splitlines(), err.splitlines()


def arrays(path: Path) -> dict[str, Any]:
    with np.load(path) as file:
        return {key: value for key, value in file.items() if key != "state"}


def assert_close(run: Path, other: Path, tolerance: float) -> None:
    ones, others = arrays(run / "checkpoint.npz"), arrays(other / "checkpoint.npz")
    assert ones.keys() == others.keys()
    for key, value in ones.items():
        np.testing.assert_allclose(value, others[key], atol=tolerance, err_msg=key)


def losses(run: Path) -> list[float]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [value for line in lines for value in (line["loss"], line["valid_loss"])]


@pytest.fixture(scope="module")
def together(corpus: list[object], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that two processes have trained."""
    run = tmp_path_factory.mktemp("runs") / "together"
    out, err = finish(torchrun(*corpus, "-o", run))
    assert out == [f"{run}"]
    assert sum("epoch 5/5" in line for line in err) == 1
    assert any("2 devices" in line for line in err)
    return run


def test_two_processes_train_as_one(corpus: list[object], together: Path, tmp_path: Path) -> None:
    finish(alone(*corpus, "-o", tmp_path / "alone"))
    assert_close(together, tmp_path / "alone", 2e-5)
    assert losses(together) == pytest.approx(losses(tmp_path / "alone"), rel=1e-4)


def test_a_process_that_is_killed_is_started_again(
    corpus: list[object], together: Path, tmp_path: Path
) -> None:
    run = tmp_path / "killed"
    process = start(torchrun(*corpus, "-o", run, restarts=1))
    wait_for(run / "checkpoint.npz", process)
    os.kill(int((run / "lock.pid").read_text()), signal.SIGKILL)
    out, err = process.communicate(timeout=900)
    assert process.returncode == 0, err
    assert err.count(f"{run}: continuing the run") == 1
    assert out.splitlines() == [f"{run}"]
    assert_close(run, together, 0)


def test_an_interrupted_run_is_continued_by_the_same_command(
    corpus: list[object], together: Path, tmp_path: Path
) -> None:
    run = tmp_path / "interrupted"
    process = start(torchrun(*corpus, "-o", run))
    wait_for(run / "checkpoint.npz", process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=900)
    assert process.returncode != 0
    said = f"torchrun --nproc-per-node 2 -m speechlstm train --resume -o {run}"
    assert err.count(f"stopped; to continue: {said}") == 1
    finish(torchrun(*corpus, "-o", run))
    assert_close(run, together, 0)


def test_one_that_fails_ends_all(corpus: list[object], tmp_path: Path) -> None:
    missing = tmp_path / "missing.jsonl"
    out, err = finish(torchrun("--train", missing, *corpus[2:], "-o", tmp_path / "run"), code=1)
    assert out == []
    assert sum(f"{missing}" in line for line in err) == 1
    assert not (tmp_path / "run").exists()


def test_processes_of_an_earlier_start_are_not_met() -> None:
    """In a store that keeps what those have written, as torchrun's does."""
    from torch.distributed import TCPStore

    limit = timedelta(seconds=60)
    server = TCPStore("127.0.0.1", 0, None, True, limit, wait_for_workers=False)

    def name(process: int) -> str:
        store = TCPStore("127.0.0.1", server.port, None, False, limit)
        return _agreed_name(store, 3, process, 60)

    names = []
    for order in ((2, 1, 0), (0, 1, 2), (1, 0, 2)):
        with ThreadPoolExecutor(3) as pool:
            names.append(set(pool.map(name, order)))
    assert [len(found) for found in names] == [1, 1, 1]
    assert len(set.union(*names)) == 3
    with pytest.raises(TimeoutError, match=r"^within 0 s no answer from process 1, 2$"):
        _agreed_name(server, 3, 0, 0.2)


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    while not path.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
