import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from speechlstm.cli import main


@pytest.fixture(autouse=True)
def recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoken: Callable[[str], NDArray[np.float32]]
) -> None:
    monkeypatch.chdir(tmp_path)
    soundfile.write("a.wav", spoken("hello world"), 16000)
    Path("a.txt").write_text("Hello,\nworld!")


def align(bundle: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["align", "--model", str(bundle), *arguments])


def test_prints_ctm_of_a_file_or_of_words(levels_bundle: Path) -> None:
    result = align(levels_bundle, "a.wav", "a.txt")
    assert (result.exit_code, result.stderr) == (0, "")
    # 10 ms of silence and 30 ms of each character.
    fields = [line.split()[:5] for line in result.stdout.splitlines()]
    assert fields == [
        ["a", "1", "0.010", "0.190", "hello"],
        ["a", "1", "0.250", "0.190", "world"],
    ]
    assert align(levels_bundle, "a.wav", "--text", "hello world").stdout == result.stdout


def test_another_text_is_aligned_too_and_doubted(levels_bundle: Path) -> None:
    def confidence(text: str) -> float:
        written = align(levels_bundle, "a.wav", "--text", text, "--format", "json").stdout
        return float(json.loads(written)["words"][1]["confidence"])

    assert confidence("hello world") > 0.9
    assert confidence("hello would") < 0.5


@pytest.mark.parametrize(
    ("arguments", "first"),
    [
        (["-o", "a.TextGrid"], 'File type = "ooTextFile"'),
        (["-o", "a.json"], '{"file": "a.wav", "text": "hello world"'),
        (["-o", "times"], "a 1 0.010"),
        (["-o", "a.json", "--format", "ctm"], "a 1 0.010"),
    ],
)
def test_the_outputs_name_chooses_the_format(
    levels_bundle: Path, arguments: list[str], first: str
) -> None:
    result = align(levels_bundle, "a.wav", "a.txt", *arguments)
    assert (result.exit_code, result.output) == (0, "")
    written = Path(arguments[1]).read_text()
    assert written.startswith(first)
    assert written.endswith("\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello 2 worlds", "a.wav: not in the alphabet: '2' (U+0032); correct the text"),
        ("hello world " * 5, "a.wav: text needs 64 frames, audio has 46; check that the"),
        ("", "a.wav: the text has no word to align"),
        (" ?! ", "a.wav: the text has no word to align"),
    ],
)
def test_a_text_that_cannot_be_said_is_one_line(
    levels_bundle: Path, text: str, message: str
) -> None:
    result = align(levels_bundle, "a.wav", "--text", text, "-o", "out.ctm")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: {message}")
    assert result.stderr.count("\n") == 1
    assert not Path("out.ctm").exists()


def test_files_that_cannot_be_read_are_named(levels_bundle: Path) -> None:
    Path("latin1.txt").write_bytes("größe".encode("latin1"))
    for arguments, reason in (
        (["b.wav", "a.txt"], "b.wav: cannot be read"),
        (["a.wav", "b.txt"], "Error: b.txt: No such file or directory"),
        (["a.wav", "latin1.txt"], "latin1.txt: not UTF-8"),
    ):
        result = align(levels_bundle, *arguments)
        assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
        assert reason in result.stderr


@pytest.mark.parametrize("arguments", [[], ["a.txt", "--text", "hello world"]])
def test_needs_one_text(levels_bundle: Path, arguments: list[str]) -> None:
    result = align(levels_bundle, "a.wav", *arguments)
    assert result.exit_code == 2
    assert "needs either the file TEXT or --text" in result.stderr
