"""Damaged reports of error rates, and damaged files that say what is to be scored."""

import json
from pathlib import Path
from typing import Any

from numpy.random import Generator

from fuzzing.mutate import HOSTILE, changed_json, spliced
from speechlstm.evaluation.comparison import compare_reports
from speechlstm.evaluation.comparison_page import to_page
from speechlstm.evaluation.comparison_text import to_text
from speechlstm.evaluation.entities import read_entities
from speechlstm.evaluation.metrics import Score
from speechlstm.evaluation.report import EvaluationReport
from speechlstm.evaluation.report_file import read_report

TURNS = "SPEAKER a 1 0.000 1.500 <NA> <NA> ann <NA> <NA>\nSPEAKER a 1 1.5 2 <NA> <NA> bob\n;; x\n"
ENTITIES = "# names\ncity: new york|boston\n(one|two) hundred\n"

_SCORES = (
    Score("a", "a hat", "a bat", "ann", (0.5, 0.75), 1.0, 0.25),
    Score("b", "the hat", "the hat", None, None, None, None),
)


def _values() -> dict[str, Any]:
    values: dict[str, Any] = json.loads(json.dumps(EvaluationReport(_SCORES).to_dict()))
    return values


def make(rng: Generator, folder: Path) -> Path:
    """Write a damaged report."""
    path = folder / "a.json"
    if rng.random() < 0.7:
        path.write_text(json.dumps(changed_json(rng, _values())))
    else:
        path.write_bytes(spliced(rng, json.dumps(_values(), indent=1).encode(), HOSTILE))
    return path


def load(path: Path) -> None:
    """Compare it with the whole report, in all forms."""
    reports = [("damaged", read_report(path)), ("whole", EvaluationReport(_SCORES))]
    comparison = compare_reports(reports)
    json.dumps(comparison.to_dict(), allow_nan=False)
    to_text(comparison, 3)
    to_page(comparison).encode()


def load_entities(path: Path) -> None:
    """Find the entities of a text."""
    report = EvaluationReport(_SCORES, entities=tuple(read_entities(path)))
    json.dumps(report.to_dict(), allow_nan=False)
    report.to_text(3)
