from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from speechlstm.lm.ngram.model import NGramModel

Run = Callable[..., Result]
Build = Callable[..., NGramModel]


@pytest.mark.parametrize("suffix", [".arpa", ".arpa.gz", ".arpa.xz"])
def test_converts_to_arpa_and_back(lm: Run, built: Build, suffix: str) -> None:
    words = ["two", "three", "unheard"]
    expected = built().sentence_log_prob(words)
    assert lm("convert", "text.lm", "-o", f"text{suffix}").exit_code == 0
    result = lm("convert", f"text{suffix}", "-o", "again.lm", "--quantize")
    assert result.stderr.startswith("again.lm: 8 1-grams")
    assert NGramModel.open(Path("again.lm")).sentence_log_prob(words) == pytest.approx(expected)
    assert lm("build", "text.txt", "-o", f"direct{suffix}").exit_code == 0
    assert NGramModel.load(Path(f"direct{suffix}")).sentence_log_prob(words) == pytest.approx(
        expected
    )
