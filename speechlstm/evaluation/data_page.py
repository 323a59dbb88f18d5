"""A report on a corpus as one page that needs no network."""

import math
from collections import Counter
from collections.abc import Sequence

from speechlstm.audio import read_audio
from speechlstm.corpora.sound import Sound
from speechlstm.corpora.survey import Surveyed
from speechlstm.errors import DataError, counted
from speechlstm.evaluation.data_report import DataReport
from speechlstm.evaluation.report_page import aligned_errors
from speechlstm.html import (
    AudioPlayers,
    Axis,
    Bar,
    Cell,
    Markup,
    bar_chart,
    details,
    histogram,
    page,
    paragraph,
    section,
    table,
)

_LONGEST = 200  # rows of a table
_MOST_BARS = 25
_MOST_PLAYERS = 25  # of the differences
_FEW_PLAYERS = 5  # of another table
_QUIETEST_LUFS = -70.0


def data_page(report: DataReport) -> str:
    """The page, with players of the recordings that deserve to be listened to."""
    players = AudioPlayers()
    sections = [
        _faults(report),
        *_disagreements(report, players),
        _speakers(report),
        _texts(report),
        _sound(report, players),
        _duplicates(report, players),
    ]
    return page(f"Data report: {', '.join(report.lists)}", sections)


def _faults(report: DataReport) -> Markup:
    stats = report.stats
    totals = (
        f"{counted(stats.num_utterances, 'utterance')}, {stats.total_seconds / 3600:.2f} h, "
        f"{counted(stats.num_speakers, 'speaker')}, {counted(stats.num_words, 'word')}"
    )
    rows: list[list[Cell]] = [
        [
            fault.name,
            len(fault.utterances),
            (f"{fault.share:.2%}", fault.share),
            (f"{fault.limit:.2%}", fault.limit),
            "too many" if fault.is_exceeded else "allowed" if fault.utterances else "none",
        ]
        for fault in report.faults
    ]
    wrong = [(item, reason) for item in report.survey.utterances for reason in item.faults]
    reasons: list[list[Cell]] = [[item.utterance.id, reason] for item, reason in wrong]
    reasons += [["", line] for line in report.survey.bad_lines]
    verdict = (
        "There are more faults than are allowed."
        if report.is_faulty
        else "No kind of fault exceeds its limit."
    )
    return section(
        "Faults",
        paragraph(f"{totals}. {verdict}"),
        table("Faults by kind", ["fault", "utterances", "share", "limit", "verdict"], rows),
        _opened("Unreadable and wrong entries", ["utterance", "reason"], reasons),
    )


def _disagreements(report: DataReport, players: AudioPlayers) -> list[Markup]:
    if report.scores is None:
        return []
    shown = report.disagreements[:_LONGEST]
    rows: list[list[Cell]] = [
        [
            item.utterance.id,
            (f"{score.characters.rate:.0%}", score.characters.rate),
            aligned_errors(score),
            _player(item, players if i < _MOST_PLAYERS else None),
        ]
        for i, (item, score) in enumerate(shown)
    ]
    note = (
        f"{len(report.scores)} utterances, spread evenly over the lists, were recognised by greedy "
        "decoding. Where text and recogniser differ most, the text may be wrong: listen first. "
        "Words of the text that are wrong are struck out; what was recognised in their place "
        "follows them."
    )
    columns = ["utterance", "CER", "differences", "recording"]
    return [
        section(
            "Texts that the recogniser disagrees with",
            paragraph(note),
            table("Largest differences", columns, rows[:_MOST_PLAYERS]),
            _opened(
                "Further differences", columns[:-1], [row[:-1] for row in rows[_MOST_PLAYERS:]]
            ),
        )
    ]


def _speakers(report: DataReport) -> Markup:
    bars = [
        Bar(speaker.name[:8], speaker.seconds / 3600) for speaker in report.speakers[:_MOST_BARS]
    ]
    rows: list[list[Cell]] = [
        [
            speaker.name,
            speaker.num_utterances,
            (f"{speaker.seconds / 60:.1f}", speaker.seconds),
            ", ".join(report.lists[i] for i in speaker.lists),
            "in several lists" if len(speaker.lists) > 1 else "",
        ]
        for speaker in report.speakers
    ]
    chart = bar_chart("Hours by speaker, the longest first", "speaker", Axis("hours"), bars)
    columns = ["speaker", "utterances", "minutes", "lists", ""]
    several = [row for row in rows if row[4]]
    return section(
        "Speakers",
        *([chart] if bars else [paragraph("No utterance names its speaker.")]),
        *([table("Speakers in several lists", columns, several[:_LONGEST])] if several else []),
        _opened("All speakers", columns, rows),
    )


def _texts(report: DataReport) -> Markup:
    stats = report.stats
    num_unknown = sum(count for _, count in report.unknown_words)
    symbols: list[list[Cell]] = [[repr(s), n] for s, n in stats.symbols.items()]
    unknown: list[list[Cell]] = [[word, count] for word, count in report.unknown_words]
    lacking = _opened("Words that the lexicon lacks", ["word", "count"], unknown)
    repeated: list[list[Cell]] = [
        [text, len(items), ", ".join(sorted({report.lists[i.list_index] for i in items}))]
        for text, items in report.repeated_texts
    ]
    known = (
        f" {num_unknown} of {stats.num_words} words ({num_unknown / max(stats.num_words, 1):.2%}) "
        "are not in the lexicon."
        if report.known_words is not None
        else ""
    )
    total = f"{stats.num_words} words, {stats.num_distinct_words} distinct.{known}"
    return section(
        "Texts",
        paragraph(total),
        *([lacking] if report.known_words is not None else []),
        _opened("Characters of the normalised texts", ["character", "count"], symbols),
        _opened("Texts of several utterances", ["text", "utterances", "lists"], repeated),
    )


def _sound(report: DataReport, players: AudioPlayers) -> Markup:
    sounds = [sound for _, sound in report.sounds]
    rates = Counter(sound.sample_rate for sound in sounds)
    loud = [max(sound.loudness, _QUIETEST_LUFS) for sound in sounds]
    charts = [
        histogram("Durations", Axis("seconds"), [sound.duration for sound in sounds]),
        histogram("Loudness (ITU-R BS.1770)", Axis("LUFS", _QUIETEST_LUFS, 0), loud),
        histogram(
            "Silence", Axis("share of the recording", 0, 1, ".0%"), [s.silence for s in sounds]
        ),
        histogram("Bandwidth", Axis("Hz"), [sound.bandwidth for sound in sounds]),
    ]
    rows: list[list[Cell]] = [[f"{rate} Hz", count] for rate, count in rates.most_common()]
    clipped = sorted(report.sounds, key=lambda pair: -pair[1].clipped)
    silent = sorted(report.sounds, key=lambda pair: -pair[1].longest_silence)
    return section(
        "Sound",
        *charts,
        table("Sample rates of the files", ["sample rate", "utterances"], rows),
        _measures("Clipped samples", [p for p in clipped if p[1].clipped > 0], players),
        _measures(
            "Telephone band in a wideband file",
            [pair for pair in report.sounds if pair[1].is_narrow],
            players,
        ),
        _measures("Longest silences", [p for p in silent if p[1].longest_silence > 1], players),
    )


def _measures(title: str, items: Sequence[tuple[Surveyed, Sound]], players: AudioPlayers) -> Markup:
    rows = [
        [item.utterance.id, *_measured(sound), _player(item, players if i < _FEW_PLAYERS else None)]
        for i, (item, sound) in enumerate(items[:_LONGEST])
    ]
    columns = ["utterance", "clipped", "loudness (LUFS)", "longest silence (s)", "bandwidth (Hz)"]
    return _opened(title, [*columns, "recording"], rows, len(items))


def _measured(sound: Sound) -> list[Cell]:
    loud = sound.loudness if math.isfinite(sound.loudness) else _QUIETEST_LUFS
    return [
        (f"{sound.clipped:.3%}", sound.clipped),
        (f"{loud:.1f}", loud),
        (f"{sound.longest_silence:.2f}", sound.longest_silence),
        (f"{sound.bandwidth:.0f}", sound.bandwidth),
    ]


def _duplicates(report: DataReport, players: AudioPlayers) -> Markup:
    rows: list[list[Cell]] = [
        [
            first.utterance.id,
            second.utterance.id,
            " and ".join(dict.fromkeys(report.lists[i.list_index] for i in (first, second))),
            "copy" if pair.is_copy else "encoded or cut differently",
            (f"{pair.seconds:.1f}", pair.seconds),
            _player(second, players if number < _FEW_PLAYERS else None),
        ]
        for number, (first, second, pair) in enumerate(report.alike)
    ]
    columns = ["utterance", "same as", "lists", "how", "seconds", "recording"]
    note = "Found by fingerprints of the sound: copies of any length, other pairs from one second."
    return section(
        "Recordings with the same sound", paragraph(note), _opened("Pairs", columns, rows)
    )


def _opened(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]], number: int | None = None
) -> Markup:
    """A table behind its title, with the number of its rows; the longest are cut."""
    number = len(rows) if number is None else number
    if not number:
        return paragraph(f"{title}: none.")
    cut = f" (the first {_LONGEST})" if number > _LONGEST else ""
    return details(f"{title}: {number}{cut}", table(title, columns, rows[:_LONGEST]))


def _player(item: Surveyed, players: AudioPlayers | None) -> Markup | None:
    if players is None:
        return None
    try:
        return players.player(read_audio(item.recording), item.utterance.id)
    except DataError:
        return None
