import errno
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import Result

from speechlstm.corpora.manifest import Utterance, write_manifest

Run = Callable[..., Result]


def test_check_prints_a_line_a_fault(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    soundfile.write(tmp_path / "a.wav", np.full(16000, 0.1), 16000)
    write_manifest(path, [Utterance("a", "a.wav", 2.0, "7"), Utterance("b", "b.wav", 1.0, "yes")])
    result = run("check", path)
    assert result.exit_code == 1
    long, symbol, missing = result.stdout.splitlines()
    assert "its manifest says 2.00 s" in long
    assert "'7' (U+0037)" in symbol
    assert missing.startswith(f"{tmp_path / 'b.wav'}: ")
    assert result.stderr == f"{path}: 2 utterances, 3 faults\n"


def test_check_of_no_manifest_is_a_fault_of_no_utterance(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "no.jsonl"
    result = run("check", path)
    assert result.exit_code == 1
    assert result.stdout == f"{path}: cannot be read: No such file or directory\n"
    assert result.stderr == f"{path}: 0 utterances, 1 fault\n"


def test_check_names_an_address_as_it_is(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(address: str) -> bytes:
        raise FileNotFoundError(errno.ENOENT, "no such file", address)

    monkeypatch.setattr("speechlstm.corpora.manifest.read_address", missing)
    address = "http://example.org/lists/all.jsonl"
    result = run("check", address)
    assert result.stdout == f"{address}: cannot be read: no such file\n"
    assert result.stderr == f"{address}: 0 utterances, 1 fault\n"


def test_check_takes_alphabet_and_settings(run: Run, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.full(16000, 0.1), 16000)
    write_manifest(tmp_path / "m.jsonl", [Utterance("a", "a.wav", 1.0, "GR\u00dcN")])
    assert run("check", tmp_path / "m.jsonl").exit_code == 1
    assert run("check", tmp_path / "m.jsonl", "--alphabet", " gr\u00fcn").exit_code == 0
    (tmp_path / "c.toml").write_text("[model]\nframe_stack = 40\n")
    options = ("--alphabet", " gr\u00fcn", "--config", tmp_path / "c.toml")
    assert "text needs 4 frames, audio has 3" in run("check", tmp_path / "m.jsonl", *options).stdout
