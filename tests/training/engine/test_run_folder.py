import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from speechlstm.errors import ConfigError, ModelError, TrainingError
from speechlstm.training.engine.network import Network
from speechlstm.training.engine.run_folder import NetworkRun, RunFolder, locked

# Takes the lock of a folder, says so, and holds it until its stdin ends.
HOLDER = """
import sys
from pathlib import Path
from speechlstm.training.engine.run_folder import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.slow
def test_another_process_is_named_and_its_end_frees_the_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        for _ in range(2):  # to be refused changes nothing
            with pytest.raises(TrainingError) as refusal, locked(tmp_path):
                pass
            assert str(refusal.value).startswith(f"{tmp_path}: process {holder.pid} is training")
            assert f"kill {holder.pid}" in str(refusal.value)
        holder.kill()
        holder.wait()
    with locked(tmp_path):
        assert (tmp_path / "lock.pid").read_text() == f"{os.getpid()}\n"
    assert not (tmp_path / "lock.pid").exists()


def test_a_second_thread_is_refused_the_same_thread_is_not(tmp_path: Path) -> None:
    refused: list[bool] = []

    def other() -> None:
        try:
            with locked(tmp_path):
                refused.append(False)
        except TrainingError:
            refused.append(True)

    with locked(tmp_path):
        with locked(tmp_path / "." / ""):
            pass
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert (tmp_path / "lock.pid").exists()
    assert refused == [True]
    other()
    assert refused == [True, False]


def test_a_new_folder_without_a_run_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "a" / "b"
    with pytest.raises(KeyboardInterrupt), locked(path):
        (path / "cache").mkdir()
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(KeyboardInterrupt), locked(path):
        RunFolder(path).write_description({})
        raise KeyboardInterrupt
    assert (path / "run.json").exists()


def test_a_folder_that_was_there_is_kept(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with locked(tmp_path):
        pass
    assert (tmp_path / "notes.txt").exists()


class _Run(NetworkRun[Network]):
    def new_network(self) -> Network:
        raise NotImplementedError

    def rank(self, metrics: Mapping[str, Any]) -> float:
        rate: float = metrics["valid_wer"]
        return rate


@pytest.mark.parametrize("content", ["{", "[1]\n", "3\n", '{"wer": 1}\n', "\x00", "[" * 100_000])
def test_damaged_metrics_are_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text(content)
    with pytest.raises(ModelError, match=r"metrics\.jsonl: damaged: [^\n]*$"):
        _Run(tmp_path).summary()


def test_no_more_epochs_can_have_ended_than_there_are(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert run.check_prolonging(1) == 0
    run.write_metrics([{"epoch": 1}, {"epoch": 2}])
    assert run.check_prolonging(2) == 2
    with pytest.raises(
        ConfigError, match="2 epochs have ended already; --epochs must be at least 2, is 1"
    ):
        run.check_prolonging(1)
