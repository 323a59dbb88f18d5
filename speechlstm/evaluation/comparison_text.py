"""A comparison as text for a terminal."""

from collections.abc import Iterator, Mapping

from speechlstm.errors import counted, printable, shortened
from speechlstm.evaluation.comparison import Comparison, Counts, PairComparison, Wins
from speechlstm.evaluation.report import listed_errors
from speechlstm.evaluation.significance import MIN_SEGMENTS, MatchedPairs

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LONGEST_NAME = 60  # characters


def to_text(comparison: Comparison, num_worst: int) -> str:
    """The systems, the tests and, of two systems, where they differ.

    Args:
        comparison: At most 26 systems.
        num_worst: How many utterances, speakers and words are shown.
    """
    lines = [*_systems(comparison), ""]
    if len(comparison.reports) == 2:
        (pair,) = comparison.pairs.values()
        lines += _pair(pair, num_worst)
    else:
        lines += _pairs(comparison)
    return "\n".join(lines)


def letter_names(comparison: Comparison) -> list[str]:
    """A letter for each system."""
    return list(LETTERS[: len(comparison.reports)])


def _systems(comparison: Comparison) -> Iterator[str]:
    num_words = comparison.reports[0].words.num_reference
    num_utterances = counted(len(comparison.reports[0].scores), "utterance")
    yield f"{num_utterances} in common, {counted(num_words, 'word')}"
    for letter, name, report, left_out in zip(
        LETTERS, comparison.names, comparison.reports, comparison.num_left_out, strict=False
    ):
        line = f"{letter}  WER {report.wer:7.2%}"
        if report.wer_interval:
            line += f" ({report.wer_interval[0]:.2%} to {report.wer_interval[1]:.2%})"
        line += f"  {counted(report.words.num_errors, 'error'):>12}  {printable(name)}"
        yield line + (f" ({counted(left_out, 'utterance')} left out)" if left_out else "")


def _pairs(comparison: Comparison) -> Iterator[str]:
    yield "       difference of WER (95 % interval)         segments   p, by Holm's method"
    letters = letter_names(comparison)
    for (a, b), pair in comparison.pairs.items():
        p = comparison.adjusted[a, b]
        num_segments = pair.matched_pairs.num_segments
        yield f"{letters[b]} - {letters[a]}  {difference(pair):40} {num_segments:8}   {p_value(p)}"


def _pair(pair: PairComparison, num_worst: int) -> Iterator[str]:
    unit = "speaker" if len(pair.units) < len(pair.scores) else "utterance"
    yield f"WER of B - A  {difference(pair)}, by resampling {counted(len(pair.units), unit)}"
    share = f"{pair.bootstrap.share_better:.1%}"
    yield f"    B has fewer errors in {share} of the resamples (ties count half)"
    yield f"Matched pairs (MAPSSWE)  {test_result(pair.matched_pairs)}"
    yield f"Utterances  {wins(pair.by_utterance)}"
    if pair.speakers:
        yield f"Speakers    {wins(Wins.of(list(pair.speakers.values())))}"
    yield from _table("words of reference", pair.lengths)
    changed = {n: c for n, c in pair.speakers.items() if c[0].num_errors != c[1].num_errors}
    largest = sorted(changed, key=lambda name: -abs(changed[name][1].rate - changed[name][0].rate))
    if chosen := {name: changed[name] for name in largest[:num_worst]}:
        yield from _table("speakers that differ most", chosen)
    words = [word for word in pair.reference_words if word.one != word.other][:num_worst]
    if words:
        yield f"\n{'words that differ most':<30}{'times':>8}{'A wrong':>10}{'B wrong':>10}"
    for word in words:
        yield f"{_cut(word.word):<30}{word.num_occurrences:8}{word.one:10}{word.other:10}"
    if largest_scores := pair.largest_differences(num_worst):
        yield "\nUtterances that differ most ([reference->hypothesis], [-deleted], [+inserted]):"
    for scores in largest_scores:
        yield printable(scores[0].id)
        for letter, score in zip("AB", scores, strict=True):
            yield f"  {letter}{score.words.num_errors:4}  {listed_errors(score)}"


def _table(what: str, groups: Mapping[str, Counts]) -> Iterator[str]:
    yield f"\n{what:<30}{'words':>8}{'WER of A':>12}{'WER of B':>12}{'B - A':>12}"
    for name, (a, b) in groups.items():
        rates = f"{a.rate:12.2%}{b.rate:12.2%}{b.rate - a.rate:+12.2%}"
        yield f"{_cut(name):<30}{a.num_reference:8}{rates}"


def difference(pair: PairComparison) -> str:
    """The difference of WER with its interval."""
    low, high = pair.bootstrap.interval
    return f"{pair.difference:+.2%} (95 % interval {low:+.2%} to {high:+.2%})"


def test_result(test: MatchedPairs) -> str:
    """The segments, the statistic and p, and whether there are enough segments."""
    z = "" if test.z is None else f", z = {test.z:.2f}"
    line = f"{counted(test.num_segments, 'segment')}{z}, p {p_value(test.p)}"
    if 0 < test.num_segments < MIN_SEGMENTS and test.z:
        line += f"; below {MIN_SEGMENTS} segments, p is rough"
    return line


def p_value(p: float) -> str:
    """A probability for reading."""
    return "< 0.0001" if p < 0.0001 else f"= {p:.4f}"


def wins(counts: Wins, one: str = "A", other: str = "B") -> str:
    """Who is better in how many."""
    return f"{other} better in {counts.other}, {one} in {counts.one}, the same in {counts.ties}"


def _cut(name: str) -> str:
    return printable(shortened(name, _LONGEST_NAME))
