import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result

from speechlstm.cli import main
from speechlstm.cli.manifest import command
from speechlstm.corpora.manifest import Manifest, Utterance, write_manifest


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["manifest", *map(str, arguments)])


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    for speaker in ("anna", "ben", "carl"):
        folder = tmp_path / "recordings" / speaker
        folder.mkdir(parents=True)
        soundfile.write(folder / "1.wav", np.full(16000, 0.1), 16000)
        (folder / "1.txt").write_text("Yes.\n")
    return tmp_path / "recordings"


def test_from_recordings_to_two_manifests(recordings: Path, tmp_path: Path) -> None:
    everything, train, valid = (tmp_path / name for name in ("all.jsonl", "t.jsonl", "v/v.jsonl"))
    valid.parent.mkdir()
    built = run("build", recordings, "-o", everything)
    assert (built.exit_code, built.stdout) == (0, "")
    assert built.stderr == f"{everything}: 3 utterances, 0 left out\n"
    checked = run("check", everything)
    assert (checked.exit_code, checked.stdout) == (0, "")
    split = run("split", everything, "--valid", "0.3", "--train-out", train, "--valid-out", valid)
    assert split.exit_code == 0
    assert [len(list(Manifest(path))) for path in (train, valid)] == [2, 1]
    for path in (train, valid):
        assert run("check", path).exit_code == 0


def test_build_lists_what_it_leaves_out(recordings: Path, tmp_path: Path) -> None:
    (recordings / "ben" / "1.txt").unlink()
    result = run("build", recordings, "-o", tmp_path / "all.jsonl")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {recordings / 'ben' / '1.wav'}: has no text")
    assert [u.speaker for u in Manifest(tmp_path / "all.jsonl")] == ["anna", "carl"]


def test_build_lists_noise_without_texts(recordings: Path, tmp_path: Path) -> None:
    (recordings / "ben" / "1.txt").unlink()
    (recordings / "carl" / "2.wav").write_bytes(b"")
    result = run("build", "--no-text", recordings, "-o", tmp_path / "noise.jsonl")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {recordings / 'carl' / '2.wav'}: ")
    noise = list(Manifest(tmp_path / "noise.jsonl"))
    assert [(u.id, u.duration, u.text) for u in noise] == [
        ("anna/1", 1.0, None), ("ben/1", 1.0, None), ("carl/1", 1.0, None)
    ]  # fmt: skip


def test_build_writes_no_empty_manifest(tmp_path: Path) -> None:
    result = run("build", tmp_path, "-o", tmp_path / "all.jsonl")
    assert result.exit_code == 1
    assert "no recording with a text beside it" in result.stderr
    assert not (tmp_path / "all.jsonl").exists()


def test_check_prints_a_line_a_fault(tmp_path: Path) -> None:
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


def test_check_takes_alphabet_and_settings(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.full(16000, 0.1), 16000)
    write_manifest(tmp_path / "m.jsonl", [Utterance("a", "a.wav", 1.0, "GR\u00dcN")])
    assert run("check", tmp_path / "m.jsonl").exit_code == 1
    assert run("check", tmp_path / "m.jsonl", "--alphabet", " gr\u00fcn").exit_code == 0
    (tmp_path / "c.toml").write_text("[model]\nframe_stack = 40\n")
    options = ("--alphabet", " gr\u00fcn", "--config", tmp_path / "c.toml")
    assert "text needs 4 frames, audio has 3" in run("check", tmp_path / "m.jsonl", *options).stdout


def test_stats_as_text_and_as_json(tmp_path: Path) -> None:
    write_manifest(tmp_path / "m.jsonl", [Utterance("a", "a.wav", 7200.0, "yes no", "anna")])
    assert "2.00 h" in run("stats", tmp_path / "m.jsonl").stdout
    numbers = json.loads(run("stats", tmp_path / "m.jsonl", "--json").stdout)
    assert (numbers["num_words"], numbers["total_seconds"]) == (2, 7200.0)


def test_split_never_writes_over_its_source(recordings: Path, tmp_path: Path) -> None:
    path = tmp_path / "all.jsonl"
    run("build", recordings, "-o", path)
    before = path.read_bytes()
    result = run("split", path, "--train-out", path, "--valid-out", tmp_path / "v.jsonl")
    assert result.exit_code == 2
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["", *sorted(command.commands)])
def test_help_ends_with_an_example(name: str) -> None:
    result = run(*name.split(), "--help")
    assert result.exit_code == 0
    assert "Example:\n    speechlstm manifest " in result.stdout
