from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from speechlstm.bundle import default_bundle, read_bundle
from speechlstm.lm.ngram.model import NGramModel

Run = Callable[..., Result]
Build = Callable[..., NGramModel]


def test_words_in_capitals_become_those_of_transcripts(lm: Run, built: Build) -> None:
    words = ["two", "three", "two"]
    expected = built().sentence_log_prob(words)
    assert expected[1] == 0
    assert lm("convert", "text.lm", "-o", "small.arpa").exit_code == 0
    lines = Path("small.arpa").read_text().split("\n")
    capitals = [line if "ngram" in line or "\\" in line else line.upper() for line in lines]
    text = "\n".join(capitals).replace("<S>", "<s>").replace("</S>", "</s>")
    Path("theirs.arpa").write_text(text)
    result = lm("convert", "theirs.arpa", "-o", "theirs.lm")
    assert "Warning" not in result.stderr
    assert NGramModel.open(Path("theirs.lm")).sentence_log_prob(words) == pytest.approx(expected)
    Path("both.arpa").write_text(text.replace("THREE", "two"))
    result = lm("convert", "both.arpa", "-o", "both.lm")
    assert (
        "1 word cannot occur in transcripts, which are normalised, such as 'TWO'" in result.stderr
    )


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


def test_a_model_may_be_noted_to_be_for_the_alphabet_of_a_bundle(lm: Run, built: Build) -> None:
    built()
    assert lm("convert", "text.lm", "-o", "noted.lm", "--bundle", "english").exit_code == 0
    noted = NGramModel.open(Path("noted.lm"))
    assert noted.alphabet_sha256 == read_bundle(default_bundle()).acoustic.alphabet.sha256
    assert noted.num_words == NGramModel.open(Path("text.lm")).num_words
