"""Scores readable text: case and punctuation count as well as words."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jiwer
import numpy as np
from numpy.typing import NDArray

from speechlstm.evaluation.report import EvaluationReport
from speechlstm.readable.marked_text import CASES, MARKS, NO_MARK, case_of

# A word keeps what stands inside it ("5:30", "p.m", "T-shirt"); a sign before or after a number and
# each of the MARKS is a token of its own. Quotation marks, brackets and dashes are none.
_TOKEN = re.compile(r"[^\W_]+(?:[.,:'\u2019-][^\W_]+)*|[$\u20ac\u00a3%]|[.,?!]")


class _Word(NamedTuple):
    text: str
    mark: int


def written_tokens(text: str) -> str:
    """The words and marks of a text, separated by spaces, in their own case.

    >>> written_tokens("At 5:30 p.m. (sharp), it's 5%!")
    "At 5:30 p.m . sharp , it's 5 % !"
    """
    return " ".join(_TOKEN.findall(text.replace("\u2019", "'")))


class LabelCounts:
    """Counts pairs of expected and predicted labels; rates are computed from the sums.

    >>> counts = LabelCounts(2)
    >>> counts.add([0, 1, 1], [1, 1, 0])
    >>> counts.precision(1), counts.recall(1), counts.f1(1)
    (0.5, 0.5, 0.5)

    Args:
        num_labels: Labels are 0 to num_labels - 1.

    Attributes:
        confusion: (num_labels, num_labels), the counts by expected and predicted label.
    """

    def __init__(self, num_labels: int) -> None:
        self.confusion = np.zeros((num_labels, num_labels), np.int64)

    def add(
        self, expected: Sequence[int] | NDArray[np.int32], found: Sequence[int] | NDArray[np.int32]
    ) -> None:
        """Count pairs of labels."""
        np.add.at(self.confusion, (np.asarray(expected, int), np.asarray(found, int)), 1)

    def precision(self, label: int) -> float:
        """The share of predicted labels that are correct; 0 if there are none."""
        return _ratio(self.confusion[label, label], self.confusion[:, label].sum())

    def recall(self, label: int) -> float:
        """The share of expected labels that are predicted; 0 if there are none."""
        return _ratio(self.confusion[label, label], self.confusion[label].sum())

    def f1(self, label: int) -> float:
        """The harmonic mean of precision and recall; 0 if the label does not occur."""
        both = self.confusion[label].sum() + self.confusion[:, label].sum()
        return _ratio(2 * self.confusion[label, label], both)

    def to_dict(self, label: int) -> dict[str, float]:
        """The rates and counts of a label as plain JSON values."""
        return {
            "precision": self.precision(label),
            "recall": self.recall(label),
            "f1": self.f1(label),
            "expected": int(self.confusion[label].sum()),
            "found": int(self.confusion[:, label].sum()),
        }


def _ratio(count: int, total: int) -> float:
    return float(count / total) if total else 0.0


@dataclass(frozen=True)
class ReadableReport(EvaluationReport):
    """The scores of readable texts, whose words and marks both count as words.

    Attributes:
        marks: How often each of MARKS, after a word, was right; a mark after a word that has no
            counterpart is one that is missing or too much.
        cases: How often each of CASES was right, of the words that are the same but for their case.
    """

    marks: LabelCounts = field(default_factory=lambda: LabelCounts(len(MARKS)))
    cases: LabelCounts = field(default_factory=lambda: LabelCounts(len(CASES)))

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return super().to_dict() | {
            "marks": {mark: self.marks.to_dict(n) for n, mark in enumerate(MARKS) if mark},
            "cases": {case: self.cases.to_dict(n) for n, case in enumerate(CASES)},
        }

    def to_text(self, num_worst: int) -> str:
        """The report as text to be read, with the errors of the worst num_worst utterances."""
        named = [(mark, self.marks.to_dict(n)) for n, mark in enumerate(MARKS) if mark]
        named += [(case, self.cases.to_dict(n)) for n, case in enumerate(CASES)]
        rows = [
            f"{name:<12}{100 * values['precision']:9.1f} %{100 * values['recall']:7.1f} %"
            f"{100 * values['f1']:7.1f} %{values['expected']:10}{values['found']:7}"
            for name, values in named
        ]
        head = f"{'':<12}precision   recall       F1  expected  found"
        summary, gap, worst = super().to_text(num_worst).partition("\n\n")
        return "\n".join([summary, "", head, *rows]) + gap + worst


def readable_report(report: EvaluationReport) -> ReadableReport:
    """The report with counts of marks and cases.

    Args:
        report: Its texts are written_tokens.
    """
    marks, cases = LabelCounts(len(MARKS)), LabelCounts(len(CASES))
    for score in report.scores:
        for expected, found in _aligned(_words(score.reference), _words(score.hypothesis)):
            marks.add([expected.mark if expected else NO_MARK], [found.mark if found else NO_MARK])
            if expected and found and expected.text.lower() == found.text.lower():
                cases.add([case_of(expected.text)], [case_of(found.text)])
    return ReadableReport(report.scores, report.skipped, marks=marks, cases=cases)


def _words(tokens: str) -> list[_Word]:
    """Each word, with the first mark after it."""
    words: list[_Word] = []
    for token in tokens.split():
        if token not in MARKS:
            words.append(_Word(token, NO_MARK))
        elif words and words[-1].mark == NO_MARK:
            words[-1] = words[-1]._replace(mark=MARKS.index(token))
    return words


def _aligned(
    reference: list[_Word], hypothesis: list[_Word]
) -> Iterator[tuple[_Word | None, _Word | None]]:
    """Pairs of words, whatever their case; None where one has no counterpart."""
    texts = (" ".join(word.text.lower() for word in words) for words in (reference, hypothesis))
    for chunk in jiwer.process_words(*texts).alignments[0]:
        expected = reference[chunk.ref_start_idx : chunk.ref_end_idx]
        found = hypothesis[chunk.hyp_start_idx : chunk.hyp_end_idx]
        if chunk.type in ("equal", "substitute"):  # as many on either side
            yield from zip(expected, found, strict=True)
        else:
            yield from ((word, None) for word in expected)
            yield from ((None, word) for word in found)
