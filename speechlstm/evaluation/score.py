"""Scores texts against texts: manifests, or files of lines."""

from pathlib import Path

from speechlstm.corpora.manifest import Manifest
from speechlstm.errors import DataError, ManifestError
from speechlstm.evaluation.report import EvaluationReport, Score
from speechlstm.text.normalize import normalize


def score_manifests(reference: Manifest, hypothesis: Manifest) -> EvaluationReport:
    """Scores the texts of one manifest against those of another, paired by id.

    Raises:
        ManifestError: A text of one has no counterpart in the other, or there are none.
    """
    said = {utterance.id: utterance for utterance in reference}
    heard = {u.id: u.text for u in hypothesis if u.text is not None}
    skipped = tuple(u.id for u in said.values() if u.text is None)
    _refuse_unpaired(said.keys() - heard.keys() - set(skipped), hypothesis.path, reference.path)
    _refuse_unpaired(heard.keys() - said.keys(), reference.path, hypothesis.path)
    scores = tuple(
        _compare(u.id, u.text, heard[u.id], u.speaker) for u in said.values() if u.text is not None
    )
    if not scores:
        raise ManifestError(reference.path, "no utterance could be scored: none has a text")
    return EvaluationReport(scores, skipped)


def _refuse_unpaired(ids: set[str], path: Path, other: Path) -> None:
    if ids:
        named = ", ".join(sorted(ids)[:5]) + (", ..." if len(ids) > 5 else "")
        raise ManifestError(path, f"lacks {len(ids)} texts that {other} has: {named}")


def score_lines(reference: Path, hypothesis: Path) -> EvaluationReport:
    """Scores each line of a text file against the same line of another; empty lines count.

    Ids are the line numbers, from 1.

    Raises:
        DataError: The files have different numbers of lines, or none, or are not UTF-8.
    """
    said, heard = _read_lines(reference), _read_lines(hypothesis)
    if len(said) != len(heard):
        raise DataError(
            f"{reference} has {len(said)} lines, {hypothesis} has {len(heard)}; "
            "both need one line an utterance, empty for silence"
        )
    if not said:
        raise DataError(f"{reference}: empty, nothing to score")
    pairs = zip(said, heard, strict=True)
    return EvaluationReport(tuple(_compare(str(n), *p) for n, p in enumerate(pairs, start=1)))


def _read_lines(path: Path) -> list[str]:
    try:
        with path.open(
            encoding="utf-8-sig"
        ) as file:  # splits at line ends alone, unlike splitlines
            return list(file)
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8: {error.reason} at byte {error.start}") from error


def _compare(utterance_id: str, said: str, heard: str, speaker: str | None = None) -> Score:
    return Score(utterance_id, normalize(said), normalize(heard), speaker)
