"""An evaluation as a page in one file, with players of the worst utterances."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from speechlstm.audio import Audio, Piece, read_audio
from speechlstm.decoding.confidence import NUM_BINS
from speechlstm.errors import DataError, counted
from speechlstm.evaluation.conditions import Conditions, measure_conditions
from speechlstm.evaluation.errors_page import aligned_errors
from speechlstm.evaluation.metrics import ErrorCounts
from speechlstm.evaluation.report import EvaluationReport, Score
from speechlstm.html import (
    DEFAULT_MEGABYTES,
    AudioPlayers,
    Axis,
    Bar,
    Cell,
    Markup,
    Series,
    bar_chart,
    details,
    element,
    histogram,
    line_chart,
    page,
    paragraph,
    section,
    table,
)
from speechlstm.parallel import Progress, no_progress

_NUM_GROUPS = 5  # of utterances, by duration and others
_MAX_ROWS = 100  # of a table
_SAMPLE_RATE = 16_000  # Hz, at which recordings are measured and played


@dataclass(frozen=True)
class Recordings:
    """The recordings of an evaluation.

    Attributes:
        sources: What to read for each utterance, by its id.
        conditions: Their levels, by id; of those that can be read.
    """

    sources: Mapping[str, Path | Piece] = field(default_factory=dict)
    conditions: Mapping[str, Conditions] = field(default_factory=dict)

    @classmethod
    def measure(
        cls,
        sources: Mapping[str, Path | Piece],
        progress: Progress = no_progress,
    ) -> "Recordings":
        """Read all recordings and measure their levels."""
        conditions: dict[str, Conditions] = {}
        for name, source in progress(list(sources.items()), len(sources), "measuring"):
            if audio := _read(source):
                conditions[name] = measure_conditions(audio)
        return cls(sources, conditions)


def to_page(
    report: EvaluationReport,
    title: str,
    recordings: Recordings | None = None,
    num_worst: int = 20,
    megabytes: float = DEFAULT_MEGABYTES,
) -> str:
    """The whole page.

    Args:
        report: The evaluation.
        title: Of the page.
        recordings: The recordings; None: only texts were compared.
        num_worst: How many utterances with errors are shown.
        megabytes: What their recordings may take, in 10^6 bytes.
    """
    recordings = recordings or Recordings()
    sections = [
        _summary(report),
        *_grouped(report, recordings),
        *_calibration(report),
        _confusions(report),
        *_speakers(report),
        _worst(report, recordings, num_worst, megabytes),
        *_not_scored(report),
    ]
    return page(title, sections)


def _summary(report: EvaluationReport) -> Markup:
    rates = report.rates
    rows: list[list[Cell]] = [
        _row("word error rate (WER)", report.words, "words", report.wer_interval),
        _row("character error rate (CER)", report.characters, "characters", report.cer_interval),
        ["sentence error rate (SER)", _rate(rates.ser), "", f"{rates.num_sentences} utterances"],
    ]
    if rates.phones:
        rows.append(_row("phone error rate (PER)", rates.phones.counts, "phones"))
    for kind, errors in rates.entities.items():
        row = _row(f"WER of {kind}", errors.words, "words")
        row[3] = f"{row[3]}; {errors.num_correct} of {errors.num_entities} without an error"
        rows.append(row)
    silence = rates.insertions_per_silent_minute
    if silence is not None:
        shown = (f"{silence:.2f}", silence)
        where = f"{rates.silent_insertions} in {rates.silent_seconds:.1f} s"
        rows.append(["words per minute of silence", shown, "", where])
    if report.calibration_error is not None:
        rows.append(
            ["calibration error of the confidences", _rate(report.calibration_error), "", ""]
        )
    if report.rtf is not None:
        spread = "median {:.4f}, 95 % below {:.4f}".format(*rates.rtf) if rates.rtf else ""
        rows.append(["real-time factor", (f"{report.rtf:.4f}", report.rtf), "", spread])
    return section("Rates", table("Error rates", ["measure", "value", "95 % interval", "of"], rows))


def _row(
    name: str, counts: ErrorCounts, unit: str, interval: tuple[float, float] | None = None
) -> list[Cell]:
    of = (
        f"{counts.num_reference} {unit}: {counts.substitutions} substituted, {counts.deletions} "
        f"deleted, {counts.insertions} inserted"
    )
    return [name, _rate(counts.rate), _interval(interval), of]


def _grouped(report: EvaluationReport, recordings: Recordings) -> Iterator[Markup]:
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


def _calibration(report: EvaluationReport) -> Iterator[Markup]:
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


def _confusions(report: EvaluationReport) -> Markup:
    wrong = [pair for score in report.scores for pair in score.alignment if not pair.is_correct]
    pairs = Counter((p.reference, p.hypothesis) for p in wrong if p.reference and p.hypothesis)
    deleted = Counter(p.reference for p in wrong if p.hypothesis is None)
    inserted = Counter(p.hypothesis for p in wrong if p.reference is None)
    substitutions: list[list[Cell]] = [
        [reference, hypothesis, count]
        for (reference, hypothesis), count in pairs.most_common(_MAX_ROWS)
    ]
    return section(
        "Confusions",
        table(_title("Substituted", pairs), ["reference", "hypothesis", "times"], substitutions),
        table(_title("Deleted", deleted), ["reference", "times"], _counted_rows(deleted)),
        table(_title("Inserted", inserted), ["hypothesis", "times"], _counted_rows(inserted)),
    )


def _title(name: str, counts: Counter[Any]) -> str:
    more = f", the first {_MAX_ROWS}" if len(counts) > _MAX_ROWS else ""
    return f"{name}: {counted(sum(counts.values()), 'time')}{more}"


def _counted_rows(counts: "Counter[str | None]") -> list[list[Cell]]:
    return [[word, count] for word, count in counts.most_common(_MAX_ROWS)]


def _speakers(report: EvaluationReport) -> Iterator[Markup]:
    by_speaker: dict[str, list[Score]] = {}
    for score in report.scores:
        if score.speaker is not None:
            by_speaker.setdefault(score.speaker, []).append(score)
    parts = {name: EvaluationReport(tuple(scores)) for name, scores in by_speaker.items()}
    names = sorted(parts, key=lambda name: (-parts[name].wer, name))
    if names:
        rows: list[list[Cell]] = [
            [
                name,
                len(parts[name].scores),
                parts[name].words.num_reference,
                parts[name].words.num_errors,
                _rate(parts[name].wer),
                _interval(parts[name].wer_interval),
            ]
            for name in names[:_MAX_ROWS]
        ]
        columns = ["speaker", "utterances", "words", "errors", "WER", "95 % interval"]
        more = f" (the {_MAX_ROWS} of {len(names)} with the most errors)" * (len(names) > _MAX_ROWS)
        yield section("Speakers", table(f"WER by speaker{more}", columns, rows))


def _worst(
    report: EvaluationReport, recordings: Recordings, num_worst: int, megabytes: float
) -> Markup:
    players = AudioPlayers(megabytes)
    articles = [
        element(
            "article",
            element("h3", score.id),
            _player(score, recordings, players),
            paragraph(aligned_errors(score)),
            paragraph(element("small", ", ".join(_facts(score, recordings)))),
        )
        for score in report.worst(num_worst)
    ]
    note = (
        "Words of the reference that are wrong are struck out; what was recognised in their place "
        "follows. "
    )
    if recordings.sources and players.num_players < len(articles):
        note += f"{players.num_players} of {len(articles)} recordings fit into {megabytes:g} MB."
    return section(
        "Most word errors", paragraph(note) if articles else paragraph("No errors."), *articles
    )


def _player(score: Score, recordings: Recordings, players: AudioPlayers) -> Markup | None:
    source = recordings.sources.get(score.id)
    audio = _read(source) if source and players.remaining > 0 else None
    return players.player(audio, score.id) if audio else None


def _facts(score: Score, recordings: Recordings) -> Iterator[str]:
    yield f"{counted(score.words.num_errors, 'error')} in {score.words.num_reference} words"
    if score.speaker is not None:
        yield f"speaker {score.speaker}"
    if score.duration is not None:
        yield f"{score.duration:.1f} s"
    if levels := recordings.conditions.get(score.id):
        yield f"speech {levels.loudness_db:.0f} dB, background {levels.noise_db:.0f} dB"


def _not_scored(report: EvaluationReport) -> Iterator[Markup]:
    if report.failures or report.skipped:
        failed: list[list[Cell]] = [
            [name, reason] for name, reason in list(report.failures.items())[:_MAX_ROWS]
        ]
        counts = f"{len(report.failures)} failed, {len(report.skipped)} without a reference."
        parts = [paragraph(counts)]
        if failed:
            parts.append(details("Failures", table("Failed", ["utterance", "reason"], failed)))
        yield section("Not scored", *parts)


def _read(source: Path | Piece) -> Audio | None:
    try:
        return read_audio(source, _SAMPLE_RATE)
    except DataError:  # it was read before, but may have been removed since
        return None


def _rate(rate: float) -> tuple[str, float]:
    return f"{rate:.2%}", round(rate, 6)


def _interval(interval: tuple[float, float] | None) -> Cell:
    if interval is None:
        return ""
    return f"{interval[0]:.2%} to {interval[1]:.2%}", round(interval[0], 6)
