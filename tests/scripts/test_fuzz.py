"""The fuzzer itself: whether it sees what loaders do wrong. Its loaders here do so on purpose."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "fuzz.py"
LOADERS = """
import ctypes, sys
from types import SimpleNamespace
from speechlstm.errors import DataError

def make(rng, folder):
    path = folder / "input"
    path.write_bytes(rng.bytes(4))
    return path

def refuse(path):
    raise DataError("a\\nb")

def stumble(path):
    if path.read_bytes()[0] < 128:
        raise KeyError("foreign")

def crash(path):
    if path.read_bytes()[0] < 128:
        ctypes.string_at(0)

def hang(path):
    while True:
        pass

def read_much(path):
    bytearray(1 << 50)

LOADERS = {
    load.__name__: SimpleNamespace(make=make, load=load, share=1.0)
    for load in (len, refuse, stumble, crash, hang, read_much)
}
LOADERS["len"].load = str
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    (tmp_path / "fuzzing").mkdir()
    (tmp_path / "fuzzing" / "__init__.py").touch()
    (tmp_path / "fuzzing" / "loaders.py").write_text(LOADERS)
    return Path(shutil.copy(SCRIPT, tmp_path))


def run(script: Path, loader: str, seconds: float) -> tuple[int, str]:
    command = [sys.executable, script, "--loader", loader, "--minutes", str(seconds / 60)]
    command += ["--input-seconds", "0.5", "--save", script.parent / "saved"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


def count(line: str, what: str) -> int:
    return int(line.split(f" {what}")[0].split()[-1])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="limits are those of POSIX")
@pytest.mark.parametrize(
    ("loader", "wrong", "why"),
    [
        ("len", None, ""),
        ("refuse", None, ""),
        ("stumble", "foreign exceptions", "KeyError: 'foreign'"),
        ("crash", "crashes", "crashes"),
        ("hang", "hangs", "hangs"),
        ("read_much", "foreign exceptions", "MemoryError"),
    ],
)
def test_counts_and_saves_what_goes_wrong(
    loader: str, wrong: str | None, why: str, script: Path
) -> None:
    exit_code, line = run(script, loader, 8)
    assert line.startswith(f"{loader}: ")
    saved = sorted((script.parent / "saved").glob("*"))
    for what in ("foreign exceptions", "crashes", "hangs"):
        assert (count(line, what) > 0) == (what == wrong)
    assert exit_code == (1 if wrong else 0)
    assert len(saved) == (count(line, wrong) if wrong else 0)
    if wrong:
        assert why in (saved[0] / "why.txt").read_text()
        assert len((saved[0] / "input").read_bytes()) == 4
    else:
        assert count(line, "refused in one line" if loader == "refuse" else "accepted") > 0
