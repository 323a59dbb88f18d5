import json
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from speechlstm.cli import main
from speechlstm.evaluation.metrics import Score
from speechlstm.evaluation.report import EvaluationReport

REFERENCES = ("stop", "left", "no")


@cache
def report(*words: str) -> str:
    scores = map(Score, ("u0", "u1", "u2"), REFERENCES, words)
    return json.dumps(EvaluationReport(tuple(scores)).to_dict())


@pytest.fixture(autouse=True)
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.json").write_text(report("stops", "left", "oh"), encoding="utf-8")
    Path("b.json").write_text(report("stop", "left"), encoding="utf-8")


def compare(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["compare", *arguments])


def test_prints_the_difference_and_says_what_is_left_out() -> None:
    result = compare("a.json", "b.json")
    assert result.exit_code == 0
    assert result.stderr == "Warning: a.json: 1 utterance left out: not in all reports\n"
    assert "WER of B - A  -50.00%" in result.stdout
    assert "B better in 1, A in 0, the same in 1" in result.stdout
    assert "u0\n  A   1  [stop->stops]\n  B   0  stop\n" in result.stdout


def test_control_characters_are_not_printed() -> None:
    Path("c.json").write_text(report("stops", "le\x07ft", "oh"), encoding="utf-8")
    printed = compare("a.json", "c.json").stdout
    assert "[left->le" in printed
    assert "\x07" not in printed  # click itself removes colours


def test_writes_json_and_a_page() -> None:
    result = compare("a.json", "b.json", "--json", "-o", "c.html")
    values = json.loads(result.stdout)
    assert [system["wer"] for system in values["systems"]] == [0.5, 0]
    assert values["pairs"][0]["wer_difference"] == -0.5
    page = Path("c.html").read_text(encoding="utf-8")
    assert "<del>stop</del> <ins>stops</ins>" in page
    assert len(page) < 50_000


def test_three_reports_are_a_table() -> None:
    result = compare("a.json", "b.json", "a.json")
    assert result.exit_code == 0
    assert [line[:5] for line in result.stdout.splitlines()[-3:]] == ["B - A", "C - A", "C - B"]


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (["a.json"], 2, "give two reports"),
        ([], 2, "Missing argument"),
        (["a.json", "b.json", "-o", "a.json"], 2, ".html"),
        (["a.json", "b.json", "-o", "no/c.html"], 2, "no such folder"),
        (["a.json", "c.json"], 1, "c.json: cannot be read"),
        (["a.json", "."], 1, ".: cannot be read"),
        (["a.json", "brackets.json"], 1, "nested too deeply"),
        (["a.json", "other.json"], 1, "no utterance in common"),
    ],
)
def test_wrong_usage_and_wrong_files_write_nothing(
    arguments: list[str], code: int, reason: str
) -> None:
    Path("brackets.json").write_text("[" * 100_000)
    other = EvaluationReport((Score("x", "stop", "stop"),))
    Path("other.json").write_text(json.dumps(other.to_dict()))
    before = {path: path.read_bytes() for path in Path().iterdir()}
    extra = [] if "-o" in arguments else ["-o", "new.html"]
    result = compare(*arguments, *extra)
    assert (result.exit_code, result.stdout) == (code, "")
    assert reason in result.stderr
    assert code == 2 or result.stderr.count("\n") == 1
    assert {path: path.read_bytes() for path in Path().iterdir()} == before


def test_an_input_is_not_overwritten() -> None:
    Path("a.html").write_bytes(Path("a.json").read_bytes())
    assert compare("a.html", "b.json", "-o", "a.html").exit_code == 2
