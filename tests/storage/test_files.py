import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from speechlstm.storage import (
    parse_json,
    read_bounded,
    read_regular_file,
    remove_unfinished,
    write_atomically,
)
from speechlstm.storage.unfinished import forget, unfinished


def test_reads_a_file_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"content")
    (tmp_path / "link").symlink_to(tmp_path / "a.txt")
    assert read_regular_file(tmp_path / "link") == b"content"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_waits_for_no_pipe_or_device(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "endless").symlink_to("/dev/zero")
    for name in ("pipe", "endless"):
        with pytest.raises(OSError, match="is a pipe or a device, not a file"):
            read_regular_file(tmp_path / name)
    with pytest.raises(IsADirectoryError):
        read_regular_file(tmp_path)


def test_reads_no_file_beyond_reason(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(bytes(11))
    assert len(read_regular_file(tmp_path / "a.txt", 11)) == 11
    with pytest.raises(OSError, match="has more than 10 bytes"):
        read_regular_file(tmp_path / "a.txt", 10)
    with pytest.raises(OSError, match="names cannot contain a NUL"):
        read_regular_file(Path("a\0b"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"{", "^not JSON: .* at column 2$"),
        (b"\xff", "^not UTF-8: invalid start byte at byte 0$"),
        (b"[" * 100_000, "^not JSON: nested too deeply$"),
        (b'{"a": ' * 100_000, "^not JSON: nested too deeply$"),
        (b'"\\ud800"', "^not JSON: has half of a surrogate pair$"),
        (b"9" * 5000, "4300"),
    ],
)
def test_refuses_json_in_one_line(text: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_json(text)


def test_parses_json() -> None:
    assert parse_json(b'\xef\xbb\xbf{"a": [1, "\\ud83d\\ude00"]}') == {"a": [1, "\U0001f600"]}
    assert parse_json("9" * 5000, integers_as_floats=True) == float("inf")


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_writes_text_as_utf8_with_its_line_ends(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a.txt", "größe\r\nnext\n")
    assert (tmp_path / "a.txt").read_bytes() == "größe\r\nnext\n".encode()
    assert names(tmp_path) == ["a.txt"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_atomically(tmp_path / "a.txt", "old")

    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match=r"No space left on device: '.*/a\.txt'"):
        write_atomically(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def killed_while_writing(path: Path) -> None:
    command = (
        "import os, sys; from pathlib import Path; from speechlstm.storage import write_atomically;"
        "os.fsync = lambda _: os.kill(os.getpid(), 9); write_atomically(Path(sys.argv[1]), 'half')"
    )
    killed = subprocess.run([sys.executable, "-c", command, path], check=False)
    assert killed.returncode == -9


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a.txt", "whole")
    killed_while_writing(tmp_path / "a.txt")
    assert len(names(tmp_path)) == 2
    remove_unfinished(tmp_path)
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "whole"


def test_the_next_process_that_writes_there_removes_it(tmp_path: Path) -> None:
    killed_while_writing(tmp_path / "a.txt")
    assert len(names(tmp_path)) == 1
    write_atomically(tmp_path / "a.txt", "whole")
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("name", ["n" * 255, "ü" * 120, "n" * 231])
def test_every_name_that_a_file_may_have_can_be_written(tmp_path: Path, name: str) -> None:
    killed_while_writing(tmp_path / name)
    write_atomically(tmp_path / name, "whole")
    assert names(tmp_path) == [name]
    assert (tmp_path / name).read_text() == "whole"


def test_what_others_write_is_not_removed(tmp_path: Path) -> None:
    """What a process that lives, another machine, or another program may still be writing."""
    mine = unfinished(tmp_path / "a.txt")
    dead = mine.name.replace(f".{os.getpid()}-", f".{1 << 30}-")
    living = dead.replace(f".{1 << 30}-", f".{os.getppid()}-")
    machine = f"{int(dead[-12:-8], 16) ^ 1:04x}"
    elsewhere = f"{dead[:-12]}{machine}{dead[-8:]}"
    others = [mine.name, living, elsewhere, ".a.txt.tmp", ".a.txt.0123abcd.tmp"]
    for name in (dead, *others):
        (tmp_path / name).touch()
    write_atomically(tmp_path / "b.txt", "x")
    assert names(tmp_path) == sorted([*others, "b.txt"])
    forget(mine)


def test_gives_the_permissions_that_open_gives(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    write_atomically(tmp_path / "atomic", "")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "atomic")]
    assert modes[0] == modes[1]


def test_writes_through_a_symbolic_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    write_atomically(tmp_path / "link", "x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "x"


def test_a_link_to_itself_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    write_atomically(tmp_path / "loop", "x")
    assert (tmp_path / "loop").read_text() == "x"


@pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="the system has no /dev/fd")  # noqa: PTH112
def test_what_the_process_has_open_is_written_after_what_it_has(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("before\n")
    with log.open("ab") as file:  # as of a shell's >>
        write_atomically(Path(f"/dev/fd/{file.fileno()}"), "text\n")
    assert log.read_text() == "before\ntext\n"
    reader, writer = os.pipe()  # as of a shell's >(...)
    write_atomically(Path(f"/dev/fd/{writer}"), "x")
    assert os.read(reader, 10) == b"x"
    os.close(writer)
    with pytest.raises(OSError, match=f"/dev/fd/{writer}"):
        write_atomically(Path(f"/dev/fd/{writer}"), "x")
    code = (
        "from pathlib import Path\nfrom speechlstm.storage import write_atomically\n"
        "print('first')\nwrite_atomically(Path('/dev/stdout'), 'second')"
    )
    with log.open("ab") as file:
        subprocess.run([sys.executable, "-c", code], stdout=file, check=True)
    assert log.read_text() == "before\ntext\nfirst\nsecond"


def test_a_file_keeps_its_permissions(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("old")
    (tmp_path / "secret").chmod(0o600)
    write_atomically(tmp_path / "secret", "new")
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_a_pipe_is_written_into(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_atomically(tmp_path / "pipe", "x")
    assert os.read(reader, 10) == b"x"
    os.close(reader)
    assert names(tmp_path) == ["pipe"]


def test_unfinished_folders_are_removed_too(tmp_path: Path) -> None:
    (tmp_path / ".bundle.0123abcd.tmp").mkdir()
    (tmp_path / ".bundle.0123abcd.tmp" / "model").touch()
    (tmp_path / ".x.0123abcd.tmp").touch()
    (tmp_path / "kept").touch()
    remove_unfinished(tmp_path)
    assert names(tmp_path) == ["kept"]


def test_reads_a_pipe_to_its_end_but_no_further_than_that(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(bytes(11))
    assert len(read_bounded(tmp_path / "a.txt", 11)) == 11
    with pytest.raises(OSError, match="has more than 10 bytes"):
        read_bounded(tmp_path / "a.txt", 10)
    if Path("/dev/zero").exists():
        with pytest.raises(OSError, match="has more than 1000 bytes"):
            read_bounded(Path("/dev/zero"), 1000)
