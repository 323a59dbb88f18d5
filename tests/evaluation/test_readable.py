import json
from pathlib import Path

import jiwer
import pytest
from click.testing import CliRunner

from speechlstm.cli import main
from speechlstm.evaluation.readable import LabelCounts, ReadableReport, written_tokens
from speechlstm.evaluation.score import score_files
from speechlstm.readable.marked_text import CASES, COMMA, MARKS, PERIOD, QUESTION


def report(folder: Path, reference: str, hypothesis: str) -> ReadableReport:
    (folder / "ref.txt").write_text(reference, encoding="utf-8")
    (folder / "hyp.txt").write_text(hypothesis, encoding="utf-8")
    found = score_files(folder / "ref.txt", folder / "hyp.txt", readable=True)
    assert isinstance(found, ReadableReport)
    return found


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Yes, Tom.", "Yes , Tom ."),
        ("At 5:30 p.m. it's 5%.", "At 5:30 p.m . it's 5 % ."),
        ("\u201cDon\u2019t!\u201d (he said)", "Don't ! he said"),
        ("$1,000.50, \u20ac5", "$ 1,000.50 , \u20ac 5"),
        ("a \u2014 b; c: T-shirt", "a b c T-shirt"),
        ("", ""),
    ],
)
def test_texts_become_words_and_marks(text: str, tokens: str) -> None:
    assert written_tokens(text) == tokens


def test_case_and_marks_count_as_words(tmp_path: Path) -> None:
    found = report(tmp_path, "Yes, Tom. Is it?\n", "yes Tom. Is it?\n")
    expected = jiwer.process_words("Yes , Tom . Is it ?", "yes Tom . Is it ?")
    assert found.wer == expected.wer
    assert found.words.num_errors == 2
    assert score_files(tmp_path / "ref.txt", tmp_path / "hyp.txt").wer == 0


def test_marks_are_counted_where_words_are_wrong_too(tmp_path: Path) -> None:
    found = report(tmp_path, "One, two. Three?\n", "one. two. extra, three\n")
    marks = found.marks
    # The comma became a period, the second period is right, "extra," is too much, "?" is missing.
    assert marks.confusion[COMMA, PERIOD] == 1
    assert marks.confusion[PERIOD, PERIOD] == 1
    assert marks.confusion[0, COMMA] == 1
    assert marks.confusion[QUESTION, 0] == 1
    assert marks.confusion.sum() == 4
    assert (marks.precision(PERIOD), marks.recall(PERIOD)) == (0.5, 1.0)
    assert marks.f1(PERIOD) == pytest.approx(2 / 3)
    # Case is judged on the same words alone.
    assert found.cases.confusion.sum() == 3
    assert found.cases.recall(CASES.index("capitalised")) == 0


def test_the_report_names_each_mark_and_case(tmp_path: Path) -> None:
    found = report(tmp_path, "Yes, BBC!\n", "Yes, BBC!\n")
    text, values = found.to_text(1), json.loads(json.dumps(found.to_dict()))
    for name in (*MARKS[1:], *CASES):
        assert f"\n{name:<12}" in text
    assert values["marks"]["!"] == {
        "precision": 1.0, "recall": 1.0, "f1": 1.0, "expected": 1, "found": 1,
    }  # fmt: skip
    assert values["cases"]["upper"]["recall"] == 1.0
    assert values["wer"] == 0


def test_nothing_expected_or_found_is_no_division_by_zero() -> None:
    counts = LabelCounts(2)
    assert (counts.precision(1), counts.recall(1), counts.f1(1)) == (0, 0, 0)


def test_readable_text_of_transcribe_is_scored(tmp_path: Path) -> None:
    (tmp_path / "ref.txt").write_text("a.wav\tOn July 4.\n")
    line = {"file": "a.wav", "text": "on july fourth", "readable": "On July 4."}
    (tmp_path / "hyp.jsonl").write_text(json.dumps(line) + "\n")
    files = [str(tmp_path / "ref.txt"), str(tmp_path / "hyp.jsonl")]
    readable = CliRunner().invoke(main, ["score", "--readable", "--json", *files])
    assert json.loads(readable.stdout)["words"]["hits"] == 4
    assert json.loads(readable.stdout)["wer"] == 0
    words = CliRunner().invoke(main, ["score", "--json", *files])
    assert json.loads(words.stdout)["words"]["substitutions"] == 1
    shown = CliRunner().invoke(main, ["score", "--readable", *files]).stdout
    assert ". 100.0 % 100.0 % 100.0 %" in " ".join(shown.split())
