"""Scores readable text: case and punctuation count as well as words."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jiwer

from speechlstm.evaluation.marks import LabelCounts
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
