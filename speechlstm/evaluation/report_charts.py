"""Charts of an evaluation: its errors by what may explain them, its confidences."""

from collections.abc import Callable, Iterator

import numpy as np

from speechlstm.decoding.confidence import NUM_BINS
from speechlstm.errors import counted
from speechlstm.evaluation.conditions import Recordings
from speechlstm.evaluation.metrics import Score
from speechlstm.evaluation.report import EvaluationReport
from speechlstm.html import (
    Axis,
    Bar,
    Markup,
    Series,
    bar_chart,
    element,
    histogram,
    line_chart,
    paragraph,
    section,
)

_NUM_GROUPS = 5  # of utterances, by duration and others


def error_charts(report: EvaluationReport, recordings: Recordings) -> Iterator[Markup]:
    """The section on where the errors are, if there is enough to draw."""
    levels = recordings.conditions
    charts = [
        _by_quantile(report, "duration in s", lambda score: score.duration),
        _by_quantile(
            report,
            "loudness in dB of full scale",
            lambda score: levels[score.id].loudness_db if score.id in levels else None,
        ),
        _by_quantile(
            report,
            "noise level in dB of full scale",
            lambda score: levels[score.id].noise_db if score.id in levels else None,
        ),
        _by_frequency(report),
        _rtf(report),
    ]
    if any(charts):
        note = "Groups of about as many utterances each; lines are 95 % intervals."
        content = element("div", charts, class_="charts")
        yield section("Where the errors are", paragraph(note), content)


def _by_quantile(
    report: EvaluationReport, what: str, value: Callable[[Score], float | None]
) -> Markup | None:
    """The WER of utterances in groups of about the same size, in the order of a value."""
    known = sorted(
        ((found, score) for score in report.scores if (found := value(score)) is not None),
        key=lambda pair: pair[0],
    )
    if len(known) < 2 * _NUM_GROUPS:
        return None
    bars = []
    for group in np.array_split(np.arange(len(known)), _NUM_GROUPS):
        members = [known[i] for i in group]
        part = EvaluationReport(tuple(score for _, score in members))
        label = f"{members[0][0]:.1f} to {members[-1][0]:.1f}"
        size = f"{counted(len(members), 'utterance')}, {counted(part.words.num_reference, 'word')}"
        bars.append(Bar(label, part.wer, part.wer_interval, size))
    return bar_chart(f"WER by {what}", what, Axis("WER", form=".0%"), bars)


def _by_frequency(report: EvaluationReport) -> Markup | None:
    groups = report.rates.frequencies
    if len(groups) < 2:
        return None
    bars = [
        Bar(name, counts.rate, None, counted(counts.num_reference, "word"))
        for name, counts in groups.items()
    ]
    what = "occurrences of the word in the references"
    return bar_chart(
        "Wrong words by frequency", what, Axis("substituted or deleted", form=".0%"), bars
    )


def _rtf(report: EvaluationReport) -> Markup | None:
    rtfs = [
        s.compute_seconds / s.duration for s in report.scores if s.duration and s.compute_seconds
    ]
    if len(rtfs) < 2:
        return None
    return histogram("Real-time factors of the utterances", Axis("compute time / duration"), rtfs)


def calibration_charts(report: EvaluationReport) -> Iterator[Markup]:
    """The section on the confidences, if there are any."""
    confidences, correct = report.word_confidences()
    if not confidences:
        return
    bins = np.minimum((np.array(confidences) * NUM_BINS).astype(int), NUM_BINS - 1)
    sizes = np.bincount(bins, minlength=NUM_BINS)
    sums = np.bincount(bins, confidences, NUM_BINS), np.bincount(bins, correct, NUM_BINS)
    points = [(float(sums[0][b] / n), float(sums[1][b] / n)) for b, n in enumerate(sizes) if n]
    axes = Axis("mean confidence", 0, 1, ".2g"), Axis("share of correct words", 0, 1, ".0%")
    charts = [
        line_chart("Calibration", *axes, [Series("words", points)], diagonal=True),
        histogram("Confidences", Axis("confidence", 0, 1, ".2g"), confidences),
    ]
    note = (
        f"Of {counted(len(confidences), 'word')}, in {NUM_BINS} bins. On the dashed line, 80 % of "
        "the words of confidence 0.8 are correct; the calibration error is the mean distance from "
        f"it, here {report.calibration_error:.2%}."
    )
    yield section("Confidences", paragraph(note), element("div", charts, class_="charts"))
