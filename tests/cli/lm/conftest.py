import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from speechlstm.cli import main
from speechlstm.lm.ngram.model import NGramModel

LSTM = Path(__file__).parent.parent.parent / "assets" / "language_model.tflite"


@pytest.fixture
def lm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs `speechlstm lm` in a folder with two texts and an LSTM of few words."""
    monkeypatch.chdir(tmp_path)
    Path("text.txt").write_text("One two three.\nTwo, three!\n\nFour two one; naïve.\n")
    Path("cat.txt").write_text("The cat.\nA hat on the mat\n")
    shutil.copy(LSTM, "lm.tflite")

    def run(*arguments: str | Path, stdin: str | None = None) -> Result:
        return CliRunner().invoke(main, ["lm", *map(str, arguments)], input=stdin)

    return run


@pytest.fixture
def built(lm: Callable[..., Result]) -> Callable[..., NGramModel]:
    """Builds text.lm of text.txt with further arguments."""

    def build(*arguments: str | Path) -> NGramModel:
        result = lm("build", "text.txt", "-o", "text.lm", *arguments)
        assert result.exit_code == 0, result.stderr
        return NGramModel.open(Path("text.lm"))

    return build
