"""Reads what `evaluate --json` and `score --json` have written."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from speechlstm.errors import DataError, quoted
from speechlstm.evaluation.metrics import Score
from speechlstm.evaluation.report import REPORT_TYPE, REPORT_VERSION, EvaluationReport
from speechlstm.storage import parse_json, read_text

_LONGEST_REPORT = 1 << 30  # bytes; some 100,000 utterances have 100 MB
_LONGEST_TEXT = 1_000_000  # characters of a reference or hypothesis


def read_report(path: Path) -> EvaluationReport:
    """The report that a file holds.

    Counts and rates are computed again from its references and hypotheses.

    Raises:
        DataError: The file cannot be read, or is not such a report, or of another version.
    """
    try:
        values = parse_json(read_text(path, _LONGEST_REPORT), integers_as_floats=True)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{path}: not a report of `evaluate --json`: {error}") from None
    try:
        return _report(values)
    except ValueError as error:
        raise DataError(f"{path}: {error}") from None


def _report(values: Any) -> EvaluationReport:
    if not isinstance(values, dict) or "utterances" not in values or "wer" not in values:
        raise ValueError("not a report of `speechlstm evaluate --json` or `score --json`")
    if "type" not in values:
        raise ValueError("written by an older speechlstm; run evaluate or score --json again")
    if values["type"] != REPORT_TYPE:
        raise ValueError(f"type must be {REPORT_TYPE!r}, is {quoted(values['type'])}")
    if values.get("version") != REPORT_VERSION:
        raise ValueError(
            f"has version {quoted(values.get('version'))}, this speechlstm reads {REPORT_VERSION}.0"
        )
    found = values["utterances"]
    if not isinstance(found, list) or not found:
        raise ValueError("utterances must be a list of at least one")
    scores = tuple(_score(f"utterances[{n}]", utterance) for n, utterance in enumerate(found))
    ids: set[str] = set()
    for score in scores:
        if score.id in ids:
            raise ValueError(f"has the utterance {quoted(score.id)} twice")
        ids.add(score.id)
    return EvaluationReport(scores)


def _score(where: str, values: Any) -> Score:
    if not isinstance(values, dict):
        raise ValueError(f"{where} must be an object, is {quoted(values)}")
    confidences = values.get("confidences")
    if confidences is not None:
        confidences = _numbers(f"{where}.confidences", confidences)
    score = Score(
        _text(where, values, "id"),
        _text(where, values, "reference"),
        _text(where, values, "hypothesis"),
        None if values.get("speaker") is None else _text(where, values, "speaker"),
        confidences,
        _seconds(where, values, "duration"),
        _seconds(where, values, "compute_seconds"),
    )
    if confidences is not None and len(confidences) != len(score.hypothesis.split()):
        raise ValueError(f"{where}.confidences must have one for each word of the hypothesis")
    return score


def _text(where: str, values: Mapping[str, Any], key: str) -> str:
    value = values.get(key)
    if not isinstance(value, str):
        raise ValueError(f"{where}.{key} must be a string, is {quoted(value)}")
    if len(value) > _LONGEST_TEXT:
        raise ValueError(f"{where}.{key} has more than {_LONGEST_TEXT:,} characters")
    return value


def _seconds(where: str, values: Mapping[str, Any], key: str) -> float | None:
    value = values.get(key)
    return None if value is None else _numbers(f"{where}.{key}", [value])[0]


def _numbers(where: str, values: Any) -> tuple[float, ...]:
    if not isinstance(values, list):
        raise ValueError(f"{where} must be a list of numbers, is {quoted(values)}")
    for value in values:
        if not isinstance(value, float) or not math.isfinite(value) or value < 0:
            raise ValueError(f"{where} must be finite and at least 0, is {quoted(value)}")
    return tuple(values)
