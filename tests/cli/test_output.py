import errno
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from speechlstm.cli import main
from speechlstm.cli.output import say
from speechlstm.corpora.manifest import Utterance, write_manifest

RAW = {"\x1b", "\x07", "\x9b", "\u202e"}


@pytest.fixture
def folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoken: Callable[[str], NDArray[np.float32]]
) -> Path:
    """Recordings, a text and a manifest of names and texts that few encodings can write."""
    monkeypatch.chdir(tmp_path)
    soundfile.write("мüller.wav", spoken("hello world"), 16000)
    Path("ref.txt").write_text("müller мир\n", encoding="utf-8")
    Path("hyp.txt").write_text("мир 世界\n", encoding="utf-8")
    utterances = [Utterance("мир", "мüller.wav", 2.0, "мир"), Utterance("b", "нет.wav", 1.0, "b")]
    write_manifest(Path("m.jsonl"), utterances)
    return tmp_path


def speechlstm(*arguments: str | Path, encoding: str = "utf-8") -> Result:
    return CliRunner(charset=encoding).invoke(main, [*map(str, arguments)])


@pytest.mark.parametrize("encoding", ["cp1252", "koi8-r"])
def test_every_verb_prints_in_any_encoding(
    folder: Path, levels_bundle: Path, encoding: str
) -> None:
    for exit_code, *arguments in (
        (0, "score", "ref.txt", "hyp.txt"),
        (0, "score", "--json", "ref.txt", "hyp.txt"),
        (0, "transcribe", "--bundle", levels_bundle, "мüller.wav", "мüller.wav"),
        (0, "transcribe", "--bundle", levels_bundle, "--format", "json", "мüller.wav"),
        (1, "transcribe", "--bundle", levels_bundle, "нет.wav"),
        (0, "align", "--bundle", levels_bundle, "мüller.wav", "--text", "hello world"),
        (1, "align", "--bundle", levels_bundle, "мüller.wav", "--text", "мир"),
        (1, "evaluate", "--bundle", levels_bundle, "m.jsonl"),
        (1, "manifest", "check", "m.jsonl"),
        (0, "manifest", "stats", "m.jsonl"),
        (0, "manifest", "stats", "--json", "m.jsonl"),
    ):
        result = speechlstm(*arguments, encoding=encoding)
        assert result.exit_code == exit_code, result.stderr
        assert result.stdout or exit_code
        if "--json" in arguments:
            json.loads(result.stdout)


@pytest.mark.slow
@pytest.mark.parametrize(("encoding", "letters"), [("cp1252", "müller"), ("ascii", "ller")])
def test_letters_that_an_encoding_has_are_printed_as_they_are(
    folder: Path, encoding: str, letters: str
) -> None:
    command = [sys.executable, "-m", "speechlstm", "score", "ref.txt", "hyp.txt"]
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    result = subprocess.run(command, check=True, capture_output=True, env=environment)
    assert letters in result.stdout.decode(encoding, "replace")
    assert result.stderr == b""


class Unwritable(io.StringIO):
    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def write(self, _: str) -> int:
        raise self.error


def test_work_goes_on_without_its_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Unwritable(OSError(errno.EIO, "the terminal is gone")))
    say("epoch 1")
    monkeypatch.setattr(sys, "stderr", Unwritable(BrokenPipeError()))
    with pytest.raises(BrokenPipeError):
        say("epoch 2")


@pytest.mark.skipif(os.name == "nt", reason="no such names there")
def test_names_of_files_cannot_command_a_terminal(folder: Path, levels_bundle: Path) -> None:
    name = "a\x1b[31m\n\x9b\u202e.wav"
    Path("мüller.wav").rename(name)
    escaped = "a\\x1b[31m\\n\\x9b\\u202e.wav"
    Path("bad\x07.wav").write_text("no sound")
    printed = speechlstm("transcribe", "--bundle", levels_bundle, name, "bad\x07.wav")
    assert printed.stdout == f"{escaped}\thello world\n"
    assert printed.stderr.startswith("Error: bad\\x07.wav: ")
    assert printed.stderr.count("\n") == 1
    ctm = speechlstm("transcribe", "--bundle", levels_bundle, "--format", "ctm", name).stdout
    assert [line.split()[0] for line in ctm.splitlines()] == ["a\\x1b[31m_\\x9b\\u202e"] * 2
    as_json = speechlstm("transcribe", "--bundle", levels_bundle, "--format", "json", name).stdout
    assert (json.loads(as_json)["file"], RAW & {*as_json}) == (name, set())
    write_manifest(Path("m.jsonl"), [Utterance("u\u202ev", name, 2.0, "мир")])
    for arguments in (
        ["manifest", "check", "m.jsonl"],
        ["evaluate", "--bundle", levels_bundle, "m.jsonl"],
        ["lm", "build", name, "-o", "x.lm"],
        ["score", "m.jsonl", name],
        ["transcribe", name, "-o", f"no\x1b/{name}"],
    ):
        result = speechlstm(*arguments)
        assert result.stdout + result.stderr
        assert not RAW & {*result.stdout, *result.stderr}
    worst = speechlstm("evaluate", "--bundle", levels_bundle, "m.jsonl").stdout.splitlines()[-1]
    assert worst == "   2  u\\u202ev: [+hello] [мир->world]"
