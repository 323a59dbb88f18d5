"""From texts to a .tflite file, by the command line."""

import json
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from click.testing import CliRunner, Result

from speechlstm.cli import main
from speechlstm.lm.lstm import LSTMLanguageModel
from speechlstm.storage import parse_checked
from speechlstm.training.engine.run_folder import HAS_INITIAL
from speechlstm.training.lm import export as lm_export

# A verb that agrees with the first word: no trigram can know.
TEXT = "".join(
    f"{subject} {middle} {verb}\n"
    for subject, verb in (("he", "goes"), ("they", "go"))
    for middle in ("also often", "and we all", "with it on")
)


@pytest.fixture(autouse=True)
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.txt").write_text(TEXT)


def lm(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["lm", *arguments])


def train(*arguments: str) -> Result:
    size = ["--units", "16", "--width", "8", "--dropout", "0", "--batch-words", "24"]
    return lm("train", *arguments, "-o", "run", *size)


def adapt() -> dict[str, Any]:
    """Go on with "run" on text of which it knows a part; what the new run says of itself."""
    Path("new.txt").write_text("they often go\nzebras go\n")
    settings = ["--init-from", "run", "-o", "adapted", "--epochs", "1"]
    result = lm("train", "new.txt", "--valid", "new.txt", *settings)
    assert (result.exit_code, result.stdout) == (0, "adapted\n"), result.stderr
    described: dict[str, Any] = parse_checked(Path("adapted", "run.json").read_text())
    return described


@pytest.mark.slow
def test_learns_what_ngrams_cannot_and_is_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    tf.config.run_functions_eagerly(True)  # tracing graphs would take longer than all the rest
    settings = ["--epochs", "80", "--learning-rate", "0.03"]
    result = train("text.txt", "--valid", "text.txt", *settings)
    adapted = adapt()
    tf.config.run_functions_eagerly(False)
    assert (result.exit_code, result.stdout) == (0, "run\n"), result.stderr
    before = parse_checked(Path("run", "run.json").read_text())
    training = before["lm_training"] | {"num_epochs": 1}
    assert adapted == before | {"lm_training": training, HAS_INITIAL: True}
    vocabularies = (Path(run, "vocabulary.txt").read_text() for run in ("run", "adapted"))
    assert len(set(vocabularies)) == 1
    lines = map(json.loads, Path("run", "metrics.jsonl").read_text().splitlines())
    best = min(line["valid_perplexity"] for line in lines)
    for quantization, tolerance in (("none", 1e-4), ("float16", 1e-3), ("int8", 0.02)):
        result = lm("export", "run", "-o", "lm.tflite", "--quantize", quantization)
        assert result.exit_code == 0, result.stderr
        report = json.loads(lm("perplexity", "lm.tflite", "text.txt", "--json").stdout)
        assert report["perplexity"] == pytest.approx(best, rel=tolerance)
        model = LSTMLanguageModel(Path("lm.tflite"))
        right, wrong = ("they and we all go", "they and we all goes")
        scores = model.sentence_log_probs([right.split(), wrong.split()])[0]
        assert scores[0] > scores[1] + 1
    monkeypatch.setattr(lm_export, "MAX_CHANGE", -1.0)
    result = lm("export", "run", "-o", "bad.tflite")
    assert (result.exit_code, Path("bad.tflite").exists()) == (1, False)
    assert "bad.tflite: not written: the perplexity is " in result.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["text.txt", "--valid", "text.txt", "--vocabulary", "words.txt"], "the text: holds no w"),
        (["text.txt", "--valid", "strange.txt"], "strange.txt: holds no word of the vocabulary"),
        (["empty.txt", "--valid", "text.txt"], "empty.txt: has no sentence"),
    ],
)
def test_what_cannot_be_learnt_is_refused_in_a_line(arguments: list[str], reason: str) -> None:
    Path("words.txt").write_text("zebra\n")
    Path("strange.txt").write_text("zebras\n")
    Path("empty.txt").write_text("\n")
    result = train(*arguments)
    assert (result.exit_code, Path("run").exists()) == (1, False)
    assert result.stderr.splitlines()[-1].startswith("Error: ")
    assert reason in result.stderr.splitlines()[-1]


def test_only_a_run_can_be_exported() -> None:
    result = lm("export", "text.txt", "-o", "lm.tflite")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "text.txt: holds no run of a language model" in result.stderr


@pytest.mark.parametrize("option", ["--layers", "--epochs", "--width"])
def test_a_size_of_0_is_wrong_usage(option: str) -> None:
    result = lm("train", "text.txt", "--valid", "text.txt", "-o", "run", option, "0")
    assert (result.exit_code, Path("run").exists()) == (2, False)
    assert f"'{option}': 0 is not in the range x>=1" in result.stderr
