import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import Result

from speechlstm.corpora.manifest import Manifest, write_manifest

Run = Callable[..., Result]
SAMPLES = Path(__file__).parents[3] / "data" / "samples"


@pytest.fixture(scope="module")
def manifest(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "all.jsonl"
    assert run("build", SAMPLES, "-o", path).exit_code == 0
    return path


@pytest.mark.slow
def test_writes_a_page_and_prints_json(run: Run, manifest: Path, tmp_path: Path) -> None:
    result = run("report", manifest, "-o", tmp_path / "r.html", "--json", "--max-utterances", 3)
    assert result.exit_code == 0, result.stderr
    assert result.stderr == f"{tmp_path / 'r.html'}: 9 utterances\n"
    values = json.loads(result.stdout)
    assert values["is_faulty"] is False
    assert values["words"] == {"num_unknown": 0, "unknown": {}}
    assert len(values["disagreements"]) <= 3
    page = (tmp_path / "r.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "Texts that the recogniser disagrees with" in page


@pytest.mark.slow
def test_faults_are_said_and_the_exit_code_is_1(run: Run, manifest: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(16_000), 16_000)
    listed = Manifest(manifest)
    utterances = [listed.moved_to(tmp_path, utterance) for utterance in listed]
    broken = tmp_path / "broken.jsonl"
    write_manifest(broken, [*utterances[:8], type(utterances[8])("x", "a.wav", 1.0, "yes")])
    lexicon = tmp_path / "lexicon"
    lexicon.write_text("yes Y EH S\n")
    arguments = [broken, "--no-model", "--lexicon", lexicon]
    result = run("report", *arguments, "-o", tmp_path / "r.html")
    assert result.exit_code == 1
    error = "silent, but with a text: 1 utterance (11.11%; at most 1.00% are allowed)"
    assert f"Error: {error}\n" in result.stderr
    assert (tmp_path / "r.html").exists()
    result = run("report", *arguments, "--json", "--max-share", 0.2)
    assert result.exit_code == 0
    values = json.loads(result.stdout)
    assert values["disagreements"] is None
    assert "yes" not in values["words"]["unknown"]
    assert values["words"]["num_unknown"] > 10


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (["{m}"], 2, "needs -o HTML or --json"),
        (["{m}", "-o", "r.txt"], 2, "the name must end in .html, .htm"),
        (["{m}.none", "--json"], 1, "cannot be read: No such file or directory"),
        (["{m}", "--json", "--lexicon", "none"], 1, "none: No such file or directory"),
        ([], 2, "Missing argument 'MANIFEST...'"),
    ],
)
def test_wrong_usage_and_missing_files(
    run: Run, manifest: Path, arguments: list[str], code: int, reason: str
) -> None:
    result = run("report", *(argument.format(m=manifest) for argument in arguments), "--no-model")
    assert result.exit_code == code
    assert reason in result.stderr
