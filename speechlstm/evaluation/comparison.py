"""Compares the errors of recognisers on the same utterances."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

from speechlstm.errors import DataError, quoted
from speechlstm.evaluation.metrics import ErrorCounts, Score
from speechlstm.evaluation.rates import group_name, group_of
from speechlstm.evaluation.report import EvaluationReport, independent_units
from speechlstm.evaluation.significance import (
    MatchedPairs,
    PairedBootstrap,
    holm,
    matched_pairs,
    paired_bootstrap,
)

COMPARISON_TYPE, COMPARISON_VERSION = "comparison", 1  # of the JSON
_LENGTHS = (0, 1, 2, 4, 8, 16, 32)  # words of a reference from which a group begins

Counts = tuple[ErrorCounts, ErrorCounts]


@dataclass(frozen=True)
class Wins:
    """In how many units each system has fewer errors.

    Attributes:
        one: Units in which A has fewer.
        other: Units in which B has fewer.
        ties: Units in which both have the same number.
    """

    one: int
    other: int
    ties: int

    @classmethod
    def of(cls, counts: Sequence[Counts]) -> "Wins":
        """Count the units."""
        differences = [b.num_errors - a.num_errors for a, b in counts]
        one, other = sum(d > 0 for d in differences), sum(d < 0 for d in differences)
        return cls(one, other, len(differences) - one - other)


@dataclass(frozen=True)
class WordErrors:
    """How often a word of the references is wrong, substituted or deleted.

    Attributes:
        one: How often A has it wrong.
        other: How often B has it wrong.
    """

    word: str
    num_occurrences: int
    one: int
    other: int


@dataclass(frozen=True)
class PairComparison:
    """Two systems, A and B, on the same utterances.

    Differences are B minus A: if they are negative, B is better.

    >>> scores = Score("u1", "yes stop", "yes stops"), Score("u1", "yes stop", "yes stop")
    >>> comparison = PairComparison((scores,))
    >>> comparison.difference, comparison.by_utterance
    (-0.5, Wins(one=0, other=1, ties=0))

    Attributes:
        scores: The score by A and by B of each utterance, at least one; their references agree.
    """

    scores: tuple[tuple[Score, Score], ...]

    @cached_property
    def words(self) -> Counts:
        """The word errors of A and of B."""
        return _total(self.utterances)

    @property
    def difference(self) -> float:
        """The WER of B minus that of A."""
        return self.words[1].rate - self.words[0].rate

    @cached_property
    def utterances(self) -> tuple[Counts, ...]:
        """The word errors of A and of B in each utterance."""
        return tuple((a.words, b.words) for a, b in self.scores)

    @cached_property
    def units(self) -> tuple[Counts, ...]:
        """The word errors in each unit that the bootstrap resamples: see independent_units."""
        other = {b.id: b for _, b in self.scores}
        units = independent_units([a for a, _ in self.scores])
        return tuple(_total((a.words, other[a.id].words) for a in unit) for unit in units)

    @cached_property
    def bootstrap(self) -> PairedBootstrap:
        """The interval of the difference."""
        return paired_bootstrap(self.units)

    @cached_property
    def matched_pairs(self) -> MatchedPairs:
        """The matched-pairs test."""
        return matched_pairs([(a.alignment, b.alignment) for a, b in self.scores])

    @property
    def by_utterance(self) -> Wins:
        """In how many utterances each system is better."""
        return Wins.of(self.utterances)

    @cached_property
    def speakers(self) -> Mapping[str, Counts]:
        """The word errors of A and of B for each speaker who is known, in the order of ids."""
        groups = _grouped(self.scores, lambda score: score.speaker)
        known = ((speaker, counts) for speaker, counts in groups.items() if speaker is not None)
        return dict(sorted(known))

    @cached_property
    def lengths(self) -> Mapping[str, Counts]:
        """The word errors of A and of B by the number of words of the reference."""
        groups = _grouped(self.scores, lambda score: group_of(score.words.num_reference, _LENGTHS))
        return {group_name(group, _LENGTHS): groups[group] for group in sorted(groups)}

    @cached_property
    def reference_words(self) -> list[WordErrors]:
        """The words of the references that a system has wrong, those that differ most first."""
        totals: Counter[str] = Counter()
        wrong: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        for scores in self.scores:
            totals.update(scores[0].reference.split())
            for score, counter in zip(scores, wrong, strict=True):
                wrong_pairs = (pair for pair in score.alignment if not pair.is_correct)
                counter.update(pair.reference for pair in wrong_pairs if pair.reference)
        found = [WordErrors(w, totals[w], wrong[0][w], wrong[1][w]) for w in {*wrong[0], *wrong[1]}]
        return sorted(found, key=lambda w: (-abs(w.other - w.one), -w.num_occurrences, w.word))

    def largest_differences(self, number: int) -> list[tuple[Score, Score]]:
        """The utterances whose numbers of errors differ most, at most that many."""
        different = [(a, b) for a, b in self.scores if a.words.num_errors != b.words.num_errors]
        different.sort(key=lambda pair: -abs(pair[1].words.num_errors - pair[0].words.num_errors))
        return different[:number]

    def to_dict(self) -> dict[str, Any]:
        """The comparison as plain JSON values."""
        return {
            "wer_difference": self.difference,
            "wer_difference_interval": self.bootstrap.interval,
            "share_of_resamples_better": self.bootstrap.share_better,
            "num_resampled_units": len(self.units),
            "matched_pairs": asdict(self.matched_pairs),
            "utterances_better": _wins(self.by_utterance),
            "speakers_better": _wins(Wins.of(list(self.speakers.values()))),
            "speakers": {name: _errors(counts) for name, counts in self.speakers.items()},
            "lengths": {name: _errors(counts) for name, counts in self.lengths.items()},
            "reference_words": [
                {"word": w.word, "occurrences": w.num_occurrences, "errors": [w.one, w.other]}
                for w in self.reference_words
            ],
            "utterances": [
                {
                    "id": a.id,
                    "reference": a.reference,
                    "hypotheses": [a.hypothesis, b.hypothesis],
                    "errors": [a.words.num_errors, b.words.num_errors],
                }
                for a, b in self.scores
            ],
        }


@dataclass(frozen=True)
class Comparison:
    """Two or more systems on the utterances that all of their reports have.

    Attributes:
        reports: Of the common utterances alone, one for each system.
        num_left_out: How many further utterances each report has.
    """

    names: tuple[str, ...]
    reports: tuple[EvaluationReport, ...]
    num_left_out: tuple[int, ...]

    @cached_property
    def pairs(self) -> Mapping[tuple[int, int], PairComparison]:
        """Each pair of systems, by their numbers from 0."""
        return {
            (a, b): PairComparison(
                tuple(zip(self.reports[a].scores, self.reports[b].scores, strict=True))
            )
            for a, b in combinations(range(len(self.reports)), 2)
        }

    @cached_property
    def adjusted(self) -> Mapping[tuple[int, int], float]:
        """The p of each pair's matched-pairs test, by Holm's method if there are several."""
        p_values = holm([pair.matched_pairs.p for pair in self.pairs.values()])
        return dict(zip(self.pairs, p_values, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """The comparison as plain JSON values."""
        return {
            "type": COMPARISON_TYPE,
            "version": COMPARISON_VERSION,
            "num_utterances": len(self.reports[0].scores),
            "systems": [
                {
                    "name": name,
                    "wer": report.wer,
                    "wer_interval": report.wer_interval,
                    "num_errors": report.words.num_errors,
                    "num_words": report.words.num_reference,
                    "utterances_left_out": left_out,
                }
                for name, report, left_out in zip(
                    self.names, self.reports, self.num_left_out, strict=True
                )
            ],
            "pairs": [
                {"systems": [a, b], "p_holm": self.adjusted[a, b], **pair.to_dict()}
                for (a, b), pair in self.pairs.items()
            ],
        }


def compare_reports(reports: Sequence[tuple[str, EvaluationReport]]) -> Comparison:
    """Compare systems on the utterances that all of their reports have.

    >>> report = EvaluationReport((Score("u1", "yes stop", "yes stops"),))
    >>> compare_reports([("A", report), ("B", report)]).pairs[0, 1].matched_pairs.p
    1.0

    Args:
        reports: The name and the report of each system, at least two.

    Raises:
        DataError: They have no utterance in common, or one with different references.
    """
    names, found = zip(*reports, strict=True)
    by_id = [{score.id: score for score in report.scores} for report in found]
    common = [i for i in by_id[0] if all(i in scores for scores in by_id)]
    if not common:
        raise DataError(f"{names[0]} and {' and '.join(names[1:])} have no utterance in common")
    for name, scores in zip(names[1:], by_id[1:], strict=True):
        for i in common:
            if scores[i].reference != by_id[0][i].reference:
                raise DataError(
                    f"{name}: the utterance {quoted(i)} has another reference than in {names[0]}; "
                    "make both reports of the same manifest"
                )
    return Comparison(
        names,
        tuple(EvaluationReport(tuple(scores[i] for i in common)) for scores in by_id),
        tuple(len(scores) - len(common) for scores in by_id),
    )


def _total(counts: Iterator[Counts] | Sequence[Counts]) -> Counts:
    one, other = zip(*counts, strict=True)
    return sum(one, start=ErrorCounts()), sum(other, start=ErrorCounts())


def _grouped(
    scores: Sequence[tuple[Score, Score]], key: Callable[[Score], Any]
) -> dict[Any, Counts]:
    groups: defaultdict[Hashable, list[Counts]] = defaultdict(list)
    for a, b in scores:
        groups[key(a)].append((a.words, b.words))
    return {group: _total(counts) for group, counts in groups.items()}


def _wins(wins: Wins) -> dict[str, int]:
    return {"a": wins.one, "b": wins.other, "neither": wins.ties}


def _errors(counts: Counts) -> dict[str, Any]:
    return {"words": counts[0].num_reference, "errors": [c.num_errors for c in counts]}
