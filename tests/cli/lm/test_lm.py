import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from speechlstm.bundle import default_bundle


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["build", "empty.txt", "-o", "x.lm"], "empty.txt: has no sentence"),
        (["perplexity", "text.txt", "text.txt"], "text.txt: is not a packed language model"),
        (["perplexity", "cut.arpa", "text.txt"], "cut.arpa:3: the file ends before"),
        (["convert", "none.lm", "-o", "x.lm"], "none.lm: cannot be read"),
        (["perplexity", "cut.tflite", "text.txt"], "cut.tflite: not a .tflite file that"),
        (["perplexity", "pronouncer.tflite", "text.txt"], "pronouncer.tflite: is not a language"),
        (["perplexity", "none.tflite", "text.txt"], "none.tflite: No such file"),
        (["perplexity", "lm.tflite", "empty.txt"], "empty.txt: has no sentence"),
        (["sample", "lm.tflite", "--prompt", "zebra"], "does not know 'zebra'"),
        (
            ["train", "text.txt", "--valid", "text.txt", "-o", "run", "--init-from", "none"],
            "none: holds no run of a language model: No such file",
        ),
    ],
)
def test_failures_are_one_line(
    lm: Callable[..., Result], arguments: list[str], reason: str
) -> None:
    Path("empty.txt").write_text("\n")
    Path("cut.arpa").write_text("\\data\\\nngram 1=5\n\\1-grams:\n")
    Path("cut.tflite").write_bytes(Path("lm.tflite").read_bytes()[:-50])
    shutil.copy(default_bundle() / "pronouncer.tflite", "pronouncer.tflite")
    result = lm(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    last = result.stderr.splitlines()[-1]
    assert last.startswith("Error: ")
    assert reason in last
