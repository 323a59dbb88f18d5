import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from speechlstm.errors import TrainingError
from speechlstm.training.engine.lock import locked
from speechlstm.training.engine.run_folder import RunFolder

# Takes the lock of a folder, says so, and holds it until its stdin ends.
HOLDER = """
import sys
from pathlib import Path
from speechlstm.training.engine.lock import locked
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


@pytest.mark.skipif(os.name == "nt", reason="locks are others there")
def test_a_file_system_without_locks_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")  # as NFS without its lock service

    monkeypatch.setattr("fcntl.flock", flock)
    with (
        pytest.raises(TrainingError, match=r"run: its file system cannot lock files \(No locks"),
        locked(tmp_path / "run"),
    ):
        pytest.fail("not locked")


def test_a_folder_that_was_there_is_kept(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with locked(tmp_path):
        pass
    assert (tmp_path / "notes.txt").exists()
