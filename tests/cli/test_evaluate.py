import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from speechlstm.cli import main
from speechlstm.corpora.manifest import Utterance, write_manifest


@pytest.fixture
def manifest(tmp_path: Path, spoken: Callable[[str], NDArray[np.float32]]) -> Path:
    texts = {"one": "Hello, world!", "two": "bye-bye"}
    for name, said in (("one", "hello world"), ("two", "bye")):
        soundfile.write(tmp_path / f"{name}.wav", spoken(said), 16000)
    path = tmp_path / "valid.jsonl"
    write_manifest(path, [Utterance(i, f"{i}.wav", 0.5, text) for i, text in texts.items()])
    return path


def evaluate(bundle: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["evaluate", "--model", str(bundle), *arguments])


def test_prints_rates_counts_and_the_worst(levels_bundle: Path, manifest: Path) -> None:
    result = evaluate(levels_bundle, str(manifest))
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0].startswith("WER 25.00% (95 % interval 0.00% to 50.00%)")
    assert lines[1].strip() == "4 words: 0 substituted, 1 deleted; 0 inserted"
    assert lines[2].startswith("CER 22.22%")
    assert lines[4].startswith("Calibration error of the words' confidences 0.")
    assert lines[5].startswith("RTF ")
    assert lines[-1] == "   1  two: bye [-bye]"


def test_worst_can_be_left_out(levels_bundle: Path, manifest: Path) -> None:
    assert "two:" not in evaluate(levels_bundle, str(manifest), "--worst", "0").stdout


def test_json_is_one_object(levels_bundle: Path, manifest: Path) -> None:
    report = json.loads(evaluate(levels_bundle, str(manifest), "--json").stdout)
    assert report["wer"] == 0.25
    assert report["cer"] == pytest.approx(4 / 18)
    assert report["rtf"] == report["compute_seconds"] / report["audio_seconds"]
    assert [u["hypothesis"] for u in report["utterances"]] == ["hello world", "bye"]


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed")
def test_a_cluster_gives_the_same_report(
    levels_bundle: Path, manifest: Path, tmp_path: Path
) -> None:
    """From paths that are relative, which other processes must understand, too."""
    with manifest.open("a") as file:
        file.write('{"id": "part", "audio": "one.wav", "duration": 0.3, "offset": 0, "text": ""}\n')
        file.write('{"id": "none", "audio": "none.wav", "duration": 1, "text": "hello"}\n')
    command = [sys.executable, "-m", "speechlstm", "evaluate", manifest.name, "--json", "--bundle"]
    command.append(os.path.relpath(levels_bundle, tmp_path))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    reports = []
    for option in ("--jobs", "1"), ("--ray", "local"):
        result = subprocess.run(
            [*command, *option], cwd=tmp_path, env=environment, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert result.returncode == 1, result.stderr
        assert "Error: none: none.wav: cannot be read" in result.stderr
        report = json.loads(result.stdout)
        for utterance in report["utterances"]:
            del utterance["compute_seconds"]
        reports.append([report[key] for key in ("wer", "cer", "failures", "utterances")])
    assert reports[0] == reports[1]
    assert len(reports[0][-1]) == 3


def test_jobs_and_a_cluster_exclude_each_other(levels_bundle: Path, manifest: Path) -> None:
    result = evaluate(levels_bundle, str(manifest), "--ray", "local", "--jobs", "2")
    assert result.exit_code == 2
    assert "--jobs is for this machine alone; --ray takes all cores" in result.stderr


def test_a_missing_recording_does_not_stop_the_others(levels_bundle: Path, manifest: Path) -> None:
    (manifest.parent / "two.wav").unlink()
    result = evaluate(levels_bundle, str(manifest))
    assert result.exit_code == 1
    assert "WER 0.00%" in result.stdout
    assert "1 scored, 1 failed" in result.stdout
    assert result.stderr.startswith("Error: two: ")
    assert result.stderr.count("\n") == 1


def test_missing_manifest_is_named(levels_bundle: Path) -> None:
    result = evaluate(levels_bundle, "none.jsonl")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: none.jsonl: ")


def test_n_best_is_refused() -> None:
    result = CliRunner().invoke(main, ["evaluate", "m.jsonl", "--n-best", "3"])
    assert result.exit_code == 2
    assert "--n-best has no effect on error rates" in result.stderr


def test_report_is_a_page_with_the_recordings(
    levels_bundle: Path, manifest: Path, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    result = evaluate(levels_bundle, str(manifest), "--report", str(page))
    assert (result.exit_code, result.stderr) == (0, "")
    document = page.read_text(encoding="utf-8")
    assert document.count("<audio ") == 1  # one utterance has an error
    assert "bye <del>bye</del>" in document
    other = evaluate(levels_bundle, str(manifest), "--report", str(manifest))
    assert other.exit_code == 2
    assert manifest.read_text().startswith("{")


def test_entities_and_lexicon(levels_bundle: Path, manifest: Path, tmp_path: Path) -> None:
    (tmp_path / "entities.txt").write_text("greeting: hello|bye\n")
    (tmp_path / "lexicon.dict").write_text("hello HH AH L OW\nworld W ER L D\nbye B AY\n")
    options = ["--entities", str(tmp_path / "entities.txt")]
    options += ["--lexicon", str(tmp_path / "lexicon.dict")]
    result = evaluate(levels_bundle, str(manifest), *options)
    assert "PER 16.67% of 12 phones" in result.stdout  # B AY is missing
    assert "greeting: WER 33.33% of 3 words; 2 of 3 without an error" in result.stdout
    (tmp_path / "entities.txt").write_text("(\n")
    result = evaluate(levels_bundle, str(manifest), *options)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1


def test_megabytes_of_a_page_need_the_page(levels_bundle: Path, manifest: Path) -> None:
    arguments = ["evaluate", str(manifest), "--bundle", str(levels_bundle)]
    result = CliRunner().invoke(main, [*arguments, "--report-megabytes", "3"])
    assert result.exit_code == 2
    assert "--report-megabytes needs --report" in result.stderr
