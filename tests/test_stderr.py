import os
import subprocess
import sys
from pathlib import Path
from threading import Barrier, Thread

import pytest

from speechlstm import stderr
from speechlstm.stderr import hidden_stderr


def test_hides_lines_and_shows_the_others(capfd: pytest.CaptureFixture[str]) -> None:
    with hidden_stderr(b"noise"):
        os.write(2, b"one\nsome noise here\ntwo\n")
        assert capfd.readouterr().err == ""
    os.write(2, b"three\n")
    assert capfd.readouterr().err == "one\ntwo\nthree\n"


def test_hides_everything_by_default(capfd: pytest.CaptureFixture[str]) -> None:
    with hidden_stderr(), hidden_stderr(b"noise"):
        os.write(2, b"one\nnoise\nno line end")
    assert capfd.readouterr().err == ""


def test_shows_the_rest_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError), hidden_stderr(b"noise"):
        os.write(2, b"reason\nnoise\n")
        _ = 1 / 0
    assert capfd.readouterr().err == "reason\n"


def test_nothing_is_hidden_without_a_temporary_file(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise OSError("read-only file system")

    with monkeypatch.context() as patched:
        patched.setattr(stderr, "TemporaryFile", refuse)
        with hidden_stderr():
            os.write(2, b"shown\n")
    with hidden_stderr():
        os.write(2, b"hidden\n")
    assert capfd.readouterr().err == "shown\n"


def test_threads_share_the_redirection(capfd: pytest.CaptureFixture[str]) -> None:
    barrier = Barrier(8)

    def work(number: int) -> None:
        for _ in range(50):
            with hidden_stderr(b"noise"):
                os.write(2, b"noise\n%d\n" % number)
        barrier.wait(60)

    threads = [Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.write(2, b"end\n")
    *lines, last = capfd.readouterr().err.splitlines()
    assert sorted(lines) == sorted(f"{number}" for number in range(8) for _ in range(50))
    assert last == "end"


@pytest.mark.skipif(sys.platform == "win32", reason="a shell closes the descriptor")
def test_standard_error_may_be_closed() -> None:
    code = "from speechlstm.stderr import hidden_stderr\nwith hidden_stderr(): print('done')"
    command = ["sh", "-c", 'exec 2>&-; "$0" -c "$1"', sys.executable, code]
    assert subprocess.check_output(command, text=True) == "done\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux's device that is full")
def test_messages_that_cannot_be_written_do_not_end_the_work() -> None:
    code = "import os; from speechlstm.stderr import hidden_stderr\n"
    code += "with hidden_stderr(b'noise'): os.write(2, b'kept')\nprint('done')"
    command = [sys.executable, "-c", code]
    with Path("/dev/full").open("wb") as full:
        assert subprocess.check_output(command, text=True, stderr=full) == "done\n"
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(command, check=False, stderr=writer)
    os.close(writer)
    assert ended.returncode == 1  # nobody reads them any more
