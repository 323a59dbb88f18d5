import re
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import Result

from speechlstm.corpora import download
from speechlstm.corpora.download import Archive
from speechlstm.corpora.importers.kinds import KINDS
from speechlstm.corpora.manifest import Manifest

Run = Callable[..., Result]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "LibriSpeech" / "dev-clean" / "84" / "1"
    folder.mkdir(parents=True)
    for name in ("84-1-0000", "84-1-0001"):
        soundfile.write(folder / f"{name}.flac", np.full(8000, 0.1), 8000)
    (folder / "84-1.trans.txt").write_text("84-1-0000 GO\n84-1-0001 DO YOU\n")
    return tmp_path / "LibriSpeech"


@pytest.mark.parametrize("kind", [["librispeech"], []])
def test_writes_a_manifest(run: Run, corpus: Path, tmp_path: Path, kind: list[str]) -> None:
    output = tmp_path / "lists" / "m.jsonl"
    output.parent.mkdir()
    result = run("import", *kind, corpus, "-o", output)
    assert (result.exit_code, result.stdout) == (0, "")
    found = "" if kind else f"{corpus}: librispeech\n"
    assert result.stderr == f"{found}{output}: 2 utterances, 0 left out\n"
    manifest = Manifest(output)
    assert [(u.id, u.text, u.speaker) for u in manifest] == [
        ("84-1-0000", "GO", "84"), ("84-1-0001", "DO YOU", "84")
    ]  # fmt: skip
    assert all(Path(str(manifest.recording(u))).exists() for u in manifest)
    assert run("check", output).exit_code == 0


def test_what_is_left_out_is_said_and_the_exit_code_is_1(
    run: Run, corpus: Path, tmp_path: Path
) -> None:
    next(corpus.rglob("*.flac")).unlink()
    result = run("import", corpus, "-o", tmp_path / "m.jsonl")
    assert result.exit_code == 1
    assert result.stderr.count("Error: ") == 1
    assert result.stderr.endswith("m.jsonl: 1 utterance, 1 left out\n")
    assert len(list(Manifest(tmp_path / "m.jsonl"))) == 1


def test_nothing_is_written_if_nothing_can_be_used(run: Run, corpus: Path, tmp_path: Path) -> None:
    for path in corpus.rglob("*.flac"):
        path.unlink()
    result = run("import", corpus, "-o", tmp_path / "m.jsonl")
    assert result.exit_code == 1
    assert result.stderr.endswith("LibriSpeech: no utterance that can be used\n")
    assert not (tmp_path / "m.jsonl").exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["mozilla", "LibriSpeech"], "mozilla is no KIND; known are librispeech, common-voice,"),
        (["librispeech"], "SOURCE is missing after the KIND librispeech"),
        (["librispeech", "a", "b"], "takes KIND and one SOURCE"),
        ([], "Missing argument '[KIND] SOURCE"),
    ],
)
def test_wrong_usage(run: Run, tmp_path: Path, arguments: list[str], reason: str) -> None:
    result = run("import", *arguments, "-o", tmp_path / "m.jsonl")
    assert result.exit_code == 2
    assert reason in result.stderr


def test_the_source_is_not_overwritten(run: Run, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.full(8000, 0.1), 8000)
    path = tmp_path / "nemo.json"
    path.write_text('{"audio_filepath": "a.wav", "duration": 1, "text": "yes"}\n')
    before = path.read_bytes()
    result = run("import", "nemo", path, "-o", path)
    assert result.exit_code == 2
    assert path.read_bytes() == before


def test_help_lists_every_kind(run: Run) -> None:
    text = run("import", "--help").stdout
    listed = re.findall(r"^  ([a-z0-9-]+)  +\S", text.split("SOURCE\n")[2], re.MULTILINE)
    assert listed[: len(KINDS)] == list(KINDS)


def test_a_corpus_is_downloaded_and_unpacked_once(
    run: Run, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = tmp_path / "packed.tar.gz"
    with tarfile.open(packed, "w:gz") as file:
        file.add(corpus, "LibriSpeech")
    archive = Archive("https://example.org/dev-clean.tar.gz", "", "CC BY 4.0")
    monkeypatch.setattr(download, "archive_of", lambda kind, part: archive)
    calls = []
    monkeypatch.setattr(download, "download", lambda *a, **k: calls.append(a) or packed)
    arguments = ["librispeech", tmp_path / "corpora", "--download", "dev-clean"]
    result = run("import", *arguments, "-o", tmp_path / "m.jsonl")
    assert result.exit_code == 0, result.stderr
    assert result.stderr.startswith("https://example.org/dev-clean.tar.gz (CC BY 4.0)\n")
    assert [u.id for u in Manifest(tmp_path / "m.jsonl")] == ["84-1-0000", "84-1-0001"]
    assert run("import", *arguments, "-o", tmp_path / "m.jsonl").exit_code == 0
    assert len(calls) == 1


def test_what_cannot_be_downloaded_is_said(run: Run, tmp_path: Path) -> None:
    output = tmp_path / "m.jsonl"
    result = run("import", tmp_path, "--download", "dev-clean", "-o", output)
    assert (result.exit_code, "--download needs KIND" in result.stderr) == (2, True)
    result = run("import", "an4", tmp_path, "--download", "x", "-o", output)
    assert result.exit_code == 1
    assert "an4: cannot be downloaded; only librispeech, ljspeech" in result.stderr
