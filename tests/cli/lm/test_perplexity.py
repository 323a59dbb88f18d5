import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from speechlstm.lm.ngram.model import NGramModel

Run = Callable[..., Result]
Build = Callable[..., NGramModel]


def test_perplexity_as_text_and_json(lm: Run, built: Build) -> None:
    built()
    result = lm("perplexity", "text.lm", "text.txt")
    assert result.stdout.startswith("perplexity ")
    assert result.stdout.endswith("3 sentences, 9 words, 0 of them unknown (0.00%)\n")
    Path("said.txt").write_text("Two zebras\n")
    report = json.loads(lm("perplexity", "text.lm", "said.txt", "--json").stdout)
    (sentence,) = report["sentences"]
    assert (sentence["text"], sentence["num_oov"]) == ("two zebras", 1)
    assert report["perplexity"] == pytest.approx(10 ** (-sentence["log10_prob"] / 3))


def test_an_lstm_measures_a_text_too(lm: Run) -> None:
    result = lm("perplexity", "lm.tflite", "cat.txt")
    assert result.exit_code == 0
    assert result.stdout.endswith(", 2 sentences, 7 words, 0 of them unknown (0.00%)\n")


def test_a_probability_without_a_float_of_its_inverse_is_no_fault(lm: Run) -> None:
    lines = ["\\data\\", "ngram 1=3", "", "\\1-grams:", "-99 <s>", "-0.5 </s>", "-999 <unk>"]
    Path("low.arpa").write_text("\n".join([*lines, "", "\\end\\", ""]))
    Path("low.txt").write_text("a b c\n")
    for arguments in (("perplexity", "low.arpa"), ("compare", "low.arpa", "low.arpa")):
        result = lm(*arguments, "low.txt", "--json")
        assert (result.exit_code, result.stderr) == (0, "")
        assert "Infinity" not in result.stdout
