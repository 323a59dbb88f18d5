import json
from collections.abc import Sequence

import pytest

from speechlstm.config import DecodeConfig
from speechlstm.corpora.manifest import Utterance
from speechlstm.decoding.beam import BeamHypothesis
from speechlstm.evaluation.metrics import word_errors
from speechlstm.evaluation.report import EvaluationReport
from speechlstm.evaluation.score import compare
from speechlstm.evaluation.tuning import fewest
from speechlstm.evaluation.tuning.trials import WITHOUT, Trial
from speechlstm.training.adaptation.comparison import Comparison, cross_fitted


def trial(texts: Sequence[str]) -> Trial:
    found = tuple((BeamHypothesis(text, (), (), 0.0, 0.0, 0.0),) for text in texts)
    errors = tuple(word_errors("one two", text) for text in texts)
    return Trial(DecodeConfig(), WITHOUT, errors, 0.0, found)


UTTERANCES = [Utterance(f"{i}", f"{i}.wav", 1.0, "One two.") for i in range(4)]


def test_each_half_is_decoded_as_the_other_half_has_chosen() -> None:
    even_best = trial(["one two", "one", "one two", "one"])  # right on utterances 0 and 2
    odd_best = trial(["two", "one two", "two", "one two"])
    report = cross_fitted([even_best, odd_best], UTTERANCES, fewest)
    assert [score.hypothesis for score in report.scores] == ["two", "one", "two", "one"]
    assert report.wer == 0.5


def report(*pairs: tuple[str, str]) -> EvaluationReport:
    return EvaluationReport(
        tuple(compare(f"{i}", reference, found) for i, (reference, found) in enumerate(pairs))
    )


GOOD = report(("one two three", "one two three"), ("four five", "four five"))
BAD = report(("one two three", "one too three"), ("four five", "for five"))


def test_the_table_has_both_with_intervals_and_the_worst() -> None:
    lines = Comparison(BAD, GOOD).to_text().splitlines()
    assert lines[0].split() == [
        "before",
        "after",
        "(2",
        "utterances,",
        "5",
        "words,",
        "held",
        "out)",
    ]
    assert lines[1].startswith("WER     40.0% (")
    assert "0.0% (0.0% to 0.0%)" in lines[1]
    assert len(lines) == 3
    text = Comparison(None, BAD).to_text()
    assert "another alphabet" in text
    assert "four->for" in text.replace("[", "")


def test_what_is_no_better_is_said_and_what_to_do() -> None:
    assert any(line.startswith("No better than before: ") for line in Comparison(BAD, BAD).advice())
    assert not any("No better" in line for line in Comparison(BAD, GOOD).advice())
    assert not any("No better" in line for line in Comparison(GOOD, GOOD).advice())  # nor worse


def test_an_interval_that_says_little_is_named() -> None:
    half = report(*[("one two", "one too"), ("one two", "one two")] * 2)
    assert any("Too little is held out" in line for line in Comparison(None, half).advice())
    assert not list(Comparison(None, GOOD).advice())


@pytest.mark.parametrize("before", [BAD, None])
def test_it_is_read_back_as_it_was_written(before: EvaluationReport | None) -> None:
    comparison = Comparison(before, GOOD)
    again = Comparison.from_dict(json.loads(json.dumps(comparison.to_dict())))
    assert again.to_text() == comparison.to_text()
