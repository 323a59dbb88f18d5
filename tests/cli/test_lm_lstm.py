import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from speechlstm.bundle import default_bundle
from speechlstm.cli import main

MODEL = Path(__file__).parent.parent / "assets" / "language_model.tflite"


@pytest.fixture(autouse=True)
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(MODEL, "lm.tflite")
    Path("text.txt").write_text("The cat.\nA hat on the mat\n")


def lm(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["lm", *map(str, arguments)])


def test_an_lstm_says_how_well_it_foretells_a_text() -> None:
    result = lm("perplexity", "lm.tflite", "text.txt")
    assert result.exit_code == 0
    assert result.stdout.endswith(", 2 sentences, 7 words, 0 of them unknown (0.00%)\n")


def test_writes_sentences_that_begin_as_told() -> None:
    asked = ["--prompt", "The cat", "--num-words", "12"]
    result = lm("sample", "lm.tflite", *asked)
    assert result.exit_code == 0
    assert result.stdout.startswith("the cat")
    assert lm("sample", "lm.tflite", *asked).stdout == result.stdout
    assert lm("sample", "lm.tflite", *asked, "--seed", "2").stdout != result.stdout


def test_writes_what_ngrams_hold_for_probable_too(tiny_lm: Path) -> None:
    result = lm("sample", tiny_lm, "--prompt", "a", "--temperature", "0.5")
    assert result.stdout.splitlines()[0].split()[0] == "a"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["train", "-o", "run"], "TEXT and --valid are needed, or --resume"),
        (["train", "text.txt", "--resume", "-o", "run"], "--resume takes texts and settings"),
        (["train", "--resume", "-o", "run", "--epochs", "3"], "--resume takes texts and settings"),
        (
            ["train", "a", "--valid", "b", "-o", "run", "--lm", "c", "--vocabulary", "9"],
            "--vocabulary and --lm exclude each other",
        ),
        (
            ["train", "a", "--valid", "b", "-o", "run", "--init-from", "c", "--units", "9"],
            "--init-from takes the network and its words from RUN",
        ),
        (["train", "--resume", "-o", "run", "--init-from", "c"], "--resume takes texts and"),
        (["sample", "lm.tflite", "--temperature", "0"], "0.0 is not in the range x>0"),
    ],
)
def test_wrong_usage(arguments: list[str], reason: str) -> None:
    result = lm(*arguments)
    assert result.exit_code == 2
    assert reason in result.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["perplexity", "cut.tflite", "text.txt"], "cut.tflite: damaged"),
        (["perplexity", "pronouncer.tflite", "text.txt"], "pronouncer.tflite: is no language"),
        (["perplexity", "none.tflite", "text.txt"], "none.tflite: No such file"),
        (["perplexity", "lm.tflite", "empty.txt"], "empty.txt: holds no sentence"),
        (["sample", "lm.tflite", "--prompt", "zebra"], "does not know 'zebra'"),
        (
            ["train", "text.txt", "--valid", "text.txt", "-o", "run", "--init-from", "none"],
            "none: holds no language model's run: No such file",
        ),
    ],
)
def test_failures_are_one_line(arguments: list[str], reason: str) -> None:
    Path("cut.tflite").write_bytes(MODEL.read_bytes()[:-50])
    shutil.copy(default_bundle() / "pronouncer.tflite", "pronouncer.tflite")
    Path("empty.txt").write_text("\n")
    result = lm(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    assert reason in line


@pytest.mark.parametrize("verb", ["train", "export", "sample"])
def test_help_ends_with_an_example(verb: str) -> None:
    assert "Example:\n    speechlstm lm" in lm(verb, "--help").stdout
