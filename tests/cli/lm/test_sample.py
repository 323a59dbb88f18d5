from collections.abc import Callable
from pathlib import Path

from click.testing import Result

Run = Callable[..., Result]


def test_writes_sentences_that_begin_as_told(lm: Run) -> None:
    asked = ["--prompt", "The cat", "--num-words", "12"]
    result = lm("sample", "lm.tflite", *asked)
    assert result.exit_code == 0
    assert result.stdout.startswith("the cat")
    assert lm("sample", "lm.tflite", *asked).stdout == result.stdout
    assert lm("sample", "lm.tflite", *asked, "--seed", "2").stdout != result.stdout


def test_writes_what_ngrams_hold_for_probable_too(lm: Run, tiny_lm: Path) -> None:
    result = lm("sample", tiny_lm, "--prompt", "a", "--temperature", "0.5")
    assert result.stdout.splitlines()[0].split()[0] == "a"


def test_wrong_usage(lm: Run) -> None:
    result = lm("sample", "lm.tflite", "--temperature", "0")
    assert result.exit_code == 2
    assert "0.0 is not in the range x>0" in result.stderr
