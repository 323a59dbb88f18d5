"""Folders are replaced whole: tried with a process that is killed at each of its system calls."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from speechlstm.storage import (
    folder_beside,
    folder_written_atomically,
    folders,
    recover_folder,
    write_atomically,
)
from speechlstm.storage.folders import exchange
from speechlstm.storage.unfinished import forget, unfinished

POSIX = pytest.mark.skipif(os.name == "nt", reason="of fork and signals")


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def put(path: Path, content: str) -> None:
    with folder_written_atomically(path) as folder:
        for name in ("one", "two"):
            write_atomically(folder / name, content)


@pytest.fixture(params=["exchange", "steps"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How a folder takes the place of another: at once, and where the file system cannot."""
    if request.param == "steps":
        monkeypatch.setattr(folders, "exchange", lambda *_: False)
    way: str = request.param
    return way


def test_a_folder_replaces_the_old_one_whole(tmp_path: Path) -> None:
    for content in ("old", "new"):
        with folder_written_atomically(tmp_path / "f") as folder:
            write_atomically(folder / content, content)
    assert names(tmp_path) == ["f"]
    assert names(tmp_path / "f") == ["new"]


def test_a_folder_takes_the_place_of_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    put(tmp_path / "f", "new")
    assert names(tmp_path) == ["f"]
    assert names(tmp_path / "f") == ["one", "two"]


@POSIX
def test_what_a_killed_process_tried_beside_a_folder_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "new" / "f"
    script = (
        "import os, sys; from pathlib import Path; from speechlstm.storage import folder_beside\n"
        "with folder_beside(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'large').write_bytes(bytes(1000)); os.kill(os.getpid(), 9)"
    )
    command = [sys.executable, "-c", script, str(path)]
    assert subprocess.run(command, check=False).returncode == -9
    assert len(names(path.parent)) == 1
    with folder_beside(path) as folder:
        assert names(path.parent) == [folder.parent.name]
    assert not names(path.parent)


def test_a_failed_folder_leaves_the_old_one(tmp_path: Path) -> None:
    put(tmp_path / "f", "old")
    with pytest.raises(RuntimeError), folder_written_atomically(tmp_path / "f") as folder:
        write_atomically(folder / "new", "")
        raise RuntimeError
    assert names(tmp_path) == ["f"]
    assert names(tmp_path / "f") == ["one", "two"]


def test_what_cannot_be_written_is_named_as_it_would_be_called(tmp_path: Path) -> None:
    with (
        pytest.raises(FileNotFoundError) as error,
        folder_written_atomically(tmp_path / "model") as unfinished,
    ):
        write_atomically(unfinished / "missing" / "weights", b"")
    assert error.value.filename == str(tmp_path / "model" / "missing" / "weights")
    with pytest.raises(FileNotFoundError) as error, folder_beside(tmp_path / "model") as tried:
        write_atomically(tried / "missing" / "weights", b"")
    assert error.value.filename == str(tmp_path / "model" / "missing" / "weights")


@pytest.mark.parametrize("write", [folder_written_atomically, folder_beside])
def test_a_failure_leaves_none_of_the_folders_that_it_made(
    tmp_path: Path, write: Callable[[Path], AbstractContextManager[Path]]
) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(RuntimeError), write(tmp_path / "there" / "new" / "deep" / "f") as folder:
        (folder / "weights").touch()
        raise RuntimeError
    assert not names(tmp_path / "there")


def test_every_name_that_a_folder_may_have_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    for content in ("old", "new"):
        put(path, content)
    assert names(tmp_path) == [path.name]
    temporary = unfinished(path)
    path.rename(temporary.with_suffix(".new"))  # as after a kill
    forget(temporary)
    recover_folder(path)
    assert (path / "one").read_text() == "new"


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_a_folder_that_cannot_be_moved_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    put(tmp_path / "f", "old")
    rename, calls = Path.rename, []

    def one_fails(source: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == failing:
            raise OSError(5, "Input/output error")
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", one_fails)
    monkeypatch.setattr(folders, "exchange", lambda *_: False)
    with pytest.raises(OSError, match="Input/output"):
        put(tmp_path / "f", "new")
    recover_folder(tmp_path / "f")
    assert (tmp_path / "f" / "one").read_text() in ("old", "new")


def test_a_folder_never_takes_the_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("mine")
    with pytest.raises(OSError, match="f'"), folder_written_atomically(tmp_path / "f"):
        pass
    assert (tmp_path / "f").read_text() == "mine"
    assert names(tmp_path) == ["f"]


@POSIX
def test_a_folder_keeps_its_permissions(tmp_path: Path) -> None:
    put(tmp_path / "f", "old")
    (tmp_path / "f").chmod(0o750)
    put(tmp_path / "f", "new")
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o750


def test_a_link_leads_to_the_new_folder(tmp_path: Path) -> None:
    put(tmp_path / "f", "old")
    (tmp_path / "link").symlink_to(tmp_path / "f")
    put(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "f" / "one").read_text() == "new"


KILLED = """
import os, pathlib, sys
from speechlstm.storage import folder_written_atomically, folders, recover_folder, write_atomically

path, way = pathlib.Path(sys.argv[1]), sys.argv[2]
exchange = folders.exchange

def put(content):
    with folder_written_atomically(path) as folder:
        for name in ("one", "two"):
            write_atomically(folder / name, content)

def listed(folder):
    return sorted(p.name for p in folder.iterdir())

# Audit events come before the call that they are about: killed at each, it is also killed after
# each. The exchange itself has no event of its own.
CALLS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "shutil.rmtree",
         "os.scandir", "os.listdir", "exchange"}

def replaced_until(point):
    "Whether the child that replaces the folder was killed before it was done."
    child = os.fork()
    if child == 0:
        seen = 0
        def count(event, arguments):
            nonlocal seen
            if event in CALLS:
                if seen == point:
                    os.kill(os.getpid(), 9)
                seen += 1
        def around(*paths):
            sys.audit("exchange")
            done = way == "exchange" and exchange(*paths)
            sys.audit("exchange")
            return done
        folders.exchange = around
        sys.addaudithook(count)
        put("new")
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    return os.WIFSIGNALED(status)

put("old")
states, missing, point = [], 0, 0
while replaced_until(point):
    missing += not path.exists()
    recover_folder(path)
    assert listed(path) == ["one", "two"], (point, listed(path))
    contents = {(path / name).read_text() for name in ("one", "two")}
    assert len(contents) == 1, (point, contents)
    states += contents
    put("old")
    assert listed(path.parent) == [path.name], (point, listed(path.parent))
    point += 1
print(states.count("old"), states.count("new"), missing)
"""


@pytest.mark.slow
@POSIX
def test_a_process_killed_at_any_call_leaves_the_old_folder_or_the_new_one(
    tmp_path: Path, way: str
) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path / "f"), way]
    num_old, num_new, num_missing = map(int, subprocess.check_output(command).split())
    assert num_old > 10
    assert num_new > 3
    if way == "exchange" and sys.platform in ("linux", "darwin"):
        assert num_missing == 0  # whoever reads at any moment finds a folder
    else:
        assert num_missing > 0


@POSIX
def test_what_others_are_writing_is_left_alone(tmp_path: Path) -> None:
    written = unfinished(tmp_path / "f").name
    mine, theirs, dead = (
        tmp_path / written.replace(f".{os.getpid()}-", f".{pid}-")
        for pid in (os.getpid(), 1, 1 << 30)
    )
    forget(mine)
    others = [tmp_path / ".f.tmp", tmp_path / ".g.1073741824-0123abcd.tmp", tmp_path / "f.old"]
    for folder in (mine, theirs, dead, *others):
        folder.mkdir()
    put(tmp_path / "f", "new")  # `mine` is of a process that had this one's number
    assert names(tmp_path) == sorted(["f", theirs.name, *(folder.name for folder in others)])
    os.utime(theirs, (0, 0))  # long ago
    put(tmp_path / "f", "new")
    assert names(tmp_path) == sorted(["f", *(folder.name for folder in others)])


def test_two_at_a_time_leave_one_whole_folder(tmp_path: Path) -> None:
    with folder_written_atomically(tmp_path / "f") as first:
        write_atomically(first / "a", "first")
        put(tmp_path / "f", "second")
        assert names(tmp_path / "f") == ["one", "two"]
    assert names(tmp_path) == ["f"]
    assert names(tmp_path / "f") == ["a"]


def test_what_is_missing_stays_missing(tmp_path: Path) -> None:
    for name in ("f", "no/f", "f\0"):
        recover_folder(tmp_path / name)
    assert names(tmp_path) == []


@pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="no such system call")
def test_exchange_says_what_it_cannot(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    if not exchange(tmp_path / "a", tmp_path / "b"):
        pytest.skip("not on this file system")
    assert (names(tmp_path / "a"), names(tmp_path / "b")) == (["b"], ["a"])
    with pytest.raises(FileNotFoundError):
        exchange(tmp_path / "a", tmp_path / "none")
