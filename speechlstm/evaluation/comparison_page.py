"""A comparison as a page in one file."""

from collections.abc import Iterator, Mapping

from speechlstm.errors import counted
from speechlstm.evaluation.comparison import Comparison, Counts, PairComparison, Wins
from speechlstm.evaluation.comparison_text import (
    difference,
    letter_names,
    p_value,
    test_result,
    wins,
)
from speechlstm.evaluation.metrics import Score
from speechlstm.evaluation.report_page import aligned_errors, interval_cell
from speechlstm.html import (
    Axis,
    Bar,
    Cell,
    Markup,
    bar_chart,
    element,
    page,
    paragraph,
    percent,
    section,
    table,
)

_MAX_ROWS = 200  # of a table
_MAX_UTTERANCES = 50


def to_page(comparison: Comparison) -> str:
    """The whole page."""
    sections = [_systems(comparison)]
    for (a, b), pair in comparison.pairs.items():
        letters = letter_names(comparison)
        if len(comparison.reports) == 2:
            sections.append(section("Difference", *_summary(pair, "A", "B")))
            sections += [*_groups(pair), _words(pair), _utterances(pair)]
        else:
            sections.append(
                section(
                    f"{letters[b]} against {letters[a]}", *_summary(pair, letters[a], letters[b])
                )
            )
    return page("Comparison of recognisers", sections)


def _systems(comparison: Comparison) -> Markup:
    letters = letter_names(comparison)
    rows: list[list[Cell]] = []
    for letter, name, report, left_out in zip(
        letters, comparison.names, comparison.reports, comparison.num_left_out, strict=True
    ):
        interval = interval_cell(report.wer_interval)
        errors = report.words.num_errors
        rows.append([letter, name, percent(report.wer), interval, errors, left_out])
    columns = ["system", "report", "WER", "95 % interval", "word errors", "utterances left out"]
    scores = comparison.reports[0].scores
    num_words = counted(comparison.reports[0].words.num_reference, "word")
    parts = [
        paragraph(f"On the {counted(len(scores), 'utterance')} in common, of {num_words}."),
        table("Word error rates", columns, rows),
    ]
    if len(comparison.reports) > 2:
        pairs: list[list[Cell]] = [
            [
                f"{letters[b]} - {letters[a]}",
                (difference(pair), pair.difference),
                pair.matched_pairs.num_segments,
                (p_value(comparison.adjusted[a, b]), comparison.adjusted[a, b]),
            ]
            for (a, b), pair in comparison.pairs.items()
        ]
        columns = ["pair", "difference of WER", "segments", "p (matched pairs, by Holm's method)"]
        parts.append(table("Differences", columns, pairs))
    return section("Systems", *parts)


def _summary(pair: PairComparison, one: str, other: str) -> Iterator[Markup]:
    unit = "speaker" if len(pair.units) < len(pair.scores) else "utterance"
    rows: list[list[Cell]] = [
        [f"WER of {other} - {one}", difference(pair)],
        ["resampled", counted(len(pair.units), unit)],
        [
            f"resamples in which {other} has fewer errors (ties count half)",
            f"{pair.bootstrap.share_better:.1%}",
        ],
        ["matched pairs (MAPSSWE)", test_result(pair.matched_pairs)],
        ["utterances", wins(pair.by_utterance, one, other)],
    ]
    if pair.speakers:
        rows.append(["speakers", wins(Wins.of(list(pair.speakers.values())), one, other)])
    yield table(f"{other} against {one}", ["measure", "result"], rows)


def _groups(pair: PairComparison) -> Iterator[Markup]:
    for heading, what, groups in (
        ("Length", "words of the reference", pair.lengths),
        ("Speakers", "speaker", pair.speakers),
    ):
        if groups:
            yield section(heading, *_group(what, groups))


def _group(what: str, groups: Mapping[str, Counts]) -> Iterator[Markup]:
    names = list(groups)
    names.sort(key=lambda name: -abs(groups[name][1].num_errors - groups[name][0].num_errors))
    bars = [
        Bar(name, b.rate - a.rate, None, counted(a.num_reference, "word"))
        for name, (a, b) in groups.items()
    ]
    if 1 < len(bars) <= 40:
        axis = Axis("WER of B - A", form="+.1%")
        yield bar_chart(f"WER of B - A by {what}", what, axis, bars)
    rows: list[list[Cell]] = [
        [
            name,
            groups[name][0].num_reference,
            *(percent(counts.rate) for counts in groups[name]),
            percent(groups[name][1].rate - groups[name][0].rate, "+.2%"),
        ]
        for name in names
    ]
    columns = [what, "words", "WER of A", "WER of B", "B - A"]
    yield table(f"Errors by {what}", columns, rows, _MAX_ROWS)


def _words(pair: PairComparison) -> Markup:
    rows: list[list[Cell]] = [
        [word.word, word.num_occurrences, word.one, word.other, word.other - word.one]
        for word in pair.reference_words
        if word.one != word.other
    ]
    columns = ["word", "times", "A wrong", "B wrong", "B - A"]
    return section("Words", table("Words of the references", columns, rows, _MAX_ROWS))


def _utterances(pair: PairComparison) -> Markup:
    articles = (_utterance(*scores) for scores in pair.largest_differences(_MAX_UTTERANCES))
    return section("Utterances that differ most", *articles)


def _utterance(one: Score, other: Score) -> Markup:
    lines = (
        paragraph(f"{name}, {counted(score.words.num_errors, 'error')}: ", aligned_errors(score))
        for name, score in (("A", one), ("B", other))
    )
    return element("article", element("h3", one.id), *lines)
