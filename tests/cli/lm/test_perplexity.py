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
