"""An evaluation as a page in one file, with players of the worst utterances."""

from collections import Counter
from collections.abc import Iterator
from itertools import chain

from speechlstm.errors import counted
from speechlstm.evaluation.conditions import Recordings, read_recording
from speechlstm.evaluation.metrics import ErrorCounts, Score
from speechlstm.evaluation.report import EvaluationReport
from speechlstm.evaluation.report_charts import calibration_charts, error_charts
from speechlstm.html import (
    DEFAULT_MEGABYTES,
    AudioPlayers,
    Cell,
    Markup,
    details,
    element,
    joined,
    page,
    paragraph,
    percent,
    section,
    table,
)

_MAX_ROWS = 100  # of a table


def to_page(
    report: EvaluationReport,
    title: str,
    recordings: Recordings | None = None,
    num_worst: int = 20,
    megabytes: float = DEFAULT_MEGABYTES,
) -> str:
    """The whole page.

    Args:
        recordings: The recordings; None: only texts were compared.
        num_worst: How many utterances with errors are shown.
        megabytes: What their recordings may take, in 10^6 bytes.
    """
    recordings = recordings or Recordings()
    sections = [
        _summary(report),
        *error_charts(report, recordings),
        *calibration_charts(report),
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
        ["sentence error rate (SER)", percent(rates.ser), "", f"{rates.num_sentences} utterances"],
    ]
    if rates.phones and rates.phones.per is not None:
        rows.append(_row("phone error rate (PER)", rates.phones.counts, "phones"))
    for kind, errors in rates.entities.items():
        if not errors.num_entities:
            rows.append([f"WER of {kind}", "", "", "in none of the references"])
            continue
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
            ["calibration error of the confidences", percent(report.calibration_error), "", ""]
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
    return [name, percent(counts.rate), interval_cell(interval), of]


def _confusions(report: EvaluationReport) -> Markup:
    kinds: dict[str, Counter[tuple[str, ...]]] = {
        "Substituted": Counter(), "Deleted": Counter(), "Inserted": Counter(),
    }  # fmt: skip
    for pair in chain(*(score.alignment for score in report.scores)):
        words = tuple(word for word in pair if word is not None)
        if not pair.is_correct:
            kind = "Inserted" if pair.reference is None else "Deleted"
            kinds["Substituted" if len(words) == 2 else kind][words] += 1
    tables = (
        table(
            f"{kind}: {counted(counts.total(), 'time')}" if counts else kind,
            ["reference", "hypothesis", "times"] if kind == "Substituted" else ["word", "times"],
            [[*words, count] for words, count in counts.most_common()],
            _MAX_ROWS,
        )
        for kind, counts in kinds.items()
    )
    return section("Confusions", *tables)


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
                percent(parts[name].wer),
                interval_cell(parts[name].wer_interval),
            ]
            for name in names
        ]
        columns = ["speaker", "utterances", "words", "errors", "WER", "95 % interval"]
        yield section("Speakers", table("WER by speaker", columns, rows, _MAX_ROWS))


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
    audio = read_recording(source) if source and players.remaining > 0 else None
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
        failed = [*report.failures.items()]
        counts = f"{len(report.failures)} failed, {len(report.skipped)} without a reference."
        parts = [paragraph(counts)]
        if failed:
            parts.append(
                details("Failures", table("Failed", ["utterance", "reason"], failed, _MAX_ROWS))
            )
        yield section("Not scored", *parts)


def interval_cell(interval: tuple[float, float] | None) -> Cell:
    """The ends of an interval of confidence; empty if it is not known."""
    if interval is None:
        return ""
    return f"{interval[0]:.2%} to {interval[1]:.2%}", round(interval[0], 6)


def aligned_errors(score: Score) -> Markup:
    """The words of an utterance; those of the reference that are wrong are struck out.

    >>> aligned_errors(Score("u1", "yes stop", "yes stops"))
    'yes <del>stop</del> <ins>stops</ins>'
    """
    return joined(*_words(score)) if score.alignment else element("em", "no words")


def _words(score: Score) -> Iterator[str]:
    space = ""
    for pair in score.alignment:
        if pair.is_correct:
            yield f"{space}{pair.reference}"
        else:
            for tag, word in (("del", pair.reference), ("ins", pair.hypothesis)):
                if word is not None:
                    yield joined(space, element(tag, word))
                    space = " "
        space = " "
