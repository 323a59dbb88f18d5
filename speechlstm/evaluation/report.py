"""The result of an evaluation: error rates with intervals, confidences, the worst utterances."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import groupby
from typing import Any, Protocol, TypeVar

from speechlstm.decoding.confidence import calibration_error
from speechlstm.errors import counted, printable, shortened
from speechlstm.evaluation.entities import NUMBERS, EntityPattern
from speechlstm.evaluation.metrics import ErrorCounts, Score, bootstrap_interval, correct_words
from speechlstm.evaluation.phones import Pronounce
from speechlstm.evaluation.rates import Rates, measure_rates

# Errors in the utterances of one speaker are correlated, so the bootstrap resamples speakers. With
# fewer speakers than this the interval would be too narrow, so it resamples utterances.
_MIN_SPEAKERS = 10

_LONGEST_LISTED = 1000  # characters of an utterance in a list; a lecture may be one text
_WORDS_AROUND = 5  # an error, in a longer text

REPORT_TYPE, REPORT_VERSION = "evaluation", 2  # of the JSON; the first version had neither


@dataclass(frozen=True)
class EvaluationReport:
    """The scores of many utterances. Each utterance is in scores, skipped or failures.

    >>> report = EvaluationReport((Score("u1", "yes stop", "yes stops"),))
    >>> report.wer, round(report.cer, 3)
    (0.5, 0.125)

    Attributes:
        scores: A score for each utterance that was recognised, at least one.
        skipped: Ids of the utterances without a reference.
        failures: The reason for each utterance that could not be recognised, by id. These
            utterances do not count in the rates.
        audio_seconds: Duration of the recognised recordings; 0 if texts were compared.
        compute_seconds: Wall-clock time of reading and recognising each recording, added up.
        entities: What `rates` takes for entities.
        pronounce: The phones of words, for `rates`; None: they are not known.
    """

    scores: tuple[Score, ...]
    skipped: tuple[str, ...] = ()
    failures: Mapping[str, str] = field(default_factory=dict)
    audio_seconds: float = 0.0
    compute_seconds: float = 0.0
    entities: tuple[EntityPattern, ...] = (NUMBERS,)
    pronounce: Pronounce | None = None

    @cached_property
    def words(self) -> ErrorCounts:
        """Errors in words, over all utterances."""
        return _total(score.words for score in self.scores)

    @cached_property
    def characters(self) -> ErrorCounts:
        """Errors in characters, over all utterances."""
        return _total(score.characters for score in self.scores)

    @property
    def wer(self) -> float:
        """Word errors divided by the words of the references; may exceed 1."""
        return self.words.rate

    @property
    def cer(self) -> float:
        """Character errors divided by the characters of the references; may exceed 1."""
        return self.characters.rate

    @property
    def rtf(self) -> float | None:
        """Compute seconds divided by audio seconds; None if texts were compared."""
        return self.compute_seconds / self.audio_seconds if self.audio_seconds else None

    @cached_property
    def wer_interval(self) -> tuple[float, float] | None:
        """95 % confidence interval of the WER; None for a single utterance."""
        return self._interval(lambda score: score.words)

    @cached_property
    def cer_interval(self) -> tuple[float, float] | None:
        """95 % confidence interval of the CER; None for a single utterance."""
        return self._interval(lambda score: score.characters)

    @cached_property
    def rates(self) -> Rates:
        """Rates of sentences, phones, entities, rare words, silence and time."""
        return measure_rates(self.scores, self.entities, self.pronounce)

    @cached_property
    def calibration_error(self) -> float | None:
        """Expected calibration error of the confidences; None if there are none."""
        confidences, correct = self.word_confidences()
        return calibration_error(confidences, correct) if confidences else None

    def word_confidences(self) -> tuple[list[float], list[bool]]:
        """The confidence of each recognised word, and whether the word is correct."""
        confidences: list[float] = []
        correct: list[bool] = []
        for score in self.scores:
            if score.confidences is not None:
                confidences += score.confidences
                correct += correct_words(score.reference, score.hypothesis)
        return confidences, correct

    def worst(self, num_scores: int) -> list[Score]:
        """The utterances with the most word errors, at most num_scores of them.

        Among utterances with the same number of errors, those with the shortest reference come
        first. Utterances without an error are left out.
        """
        wrong = [score for score in self.scores if score.words.num_errors]
        wrong.sort(key=lambda score: (-score.words.num_errors, score.words.num_reference))
        return wrong[:num_scores]

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return {
            "type": REPORT_TYPE,
            "version": REPORT_VERSION,
            "wer": self.wer,
            "wer_interval": self.wer_interval,
            "cer": self.cer,
            "cer_interval": self.cer_interval,
            "calibration_error": self.calibration_error,
            "rtf": self.rtf,
            "audio_seconds": self.audio_seconds,
            "compute_seconds": self.compute_seconds,
            "words": asdict(self.words),
            "characters": asdict(self.characters),
            "rates": self.rates.to_dict(),
            "utterances": [score.to_dict() for score in self.scores],
            "skipped": list(self.skipped),
            "failures": dict(self.failures),
        }

    def to_text(self, num_worst: int) -> str:
        """The report as text to be read, with the errors of the worst num_worst utterances."""
        lines = [
            *_describe("WER", "word", self.words, self.wer_interval),
            *_describe("CER", "character", self.characters, self.cer_interval),
        ]
        if self.calibration_error is not None:
            lines.append(
                f"Calibration error of the words' confidences {self.calibration_error:.2%}"
            )
        if self.rtf is not None:
            timed = f"{self.compute_seconds:.1f} s for {self.audio_seconds:.1f} s of audio"
            lines.append(f"RTF {self.rtf:.4f}: {timed}")
            if self.rates.rtf:
                lines[-1] += "; median {:.4f}, 95 % below {:.4f}".format(*self.rates.rtf)
        lines += self.rates.lines()
        counts = f"{len(self.scores)} scored"
        for name, ids in (("without a reference", self.skipped), ("failed", self.failures)):
            counts += f", {len(ids)} {name}" if ids else ""
        lines.append(f"Utterances: {counts}")
        if worst := self.worst(num_worst):
            lines += ["", "Most word errors ([reference->hypothesis], [-deleted], [+inserted]):"]
            for score in worst:
                name = printable(score.id)
                lines.append(f"{score.words.num_errors:4}  {name}: {listed_errors(score)}")
        return "\n".join(lines)

    def _interval(self, count: Callable[[Score], ErrorCounts]) -> tuple[float, float] | None:
        units = independent_units(self.scores)
        if len(units) < 2:
            return None
        return bootstrap_interval([_total(map(count, unit)) for unit in units])


def listed_errors(score: Score) -> str:
    """The text as in show_errors, but a long one has the words near errors and its ends only."""
    words = [pair.marked for pair in score.alignment]
    if len(whole := " ".join(words)) <= _LONGEST_LISTED:
        return whole
    wrong = (i for i, pair in enumerate(score.alignment) if not pair.is_correct)
    near = {
        i
        for place in (-1, *wrong, len(words))
        for i in range(place - _WORDS_AROUND, place + _WORDS_AROUND + 1)
    }
    runs = groupby(enumerate(words), lambda item: item[0] in near)
    parts = (" ".join(w for _, w in run) if is_near else "..." for is_near, run in runs)
    return shortened(" ".join(parts), _LONGEST_LISTED)


class Spoken(Protocol):
    """The score of an utterance whose speaker may be known."""

    @property
    def speaker(self) -> str | None:
        """Identifies the speaker."""


S = TypeVar("S", bound=Spoken)


def independent_units(scores: Sequence[S]) -> list[list[S]]:
    """The scores of each speaker, if there are enough and all are known; else each by itself."""
    by_speaker: defaultdict[str | None, list[S]] = defaultdict(list)
    for score in scores:
        by_speaker[score.speaker].append(score)
    if None not in by_speaker and len(by_speaker) >= _MIN_SPEAKERS:
        return list(by_speaker.values())
    return [[score] for score in scores]


def _total(counts: Iterable[ErrorCounts]) -> ErrorCounts:
    return sum(counts, start=ErrorCounts())


def _describe(
    rate: str, unit: str, counts: ErrorCounts, interval: tuple[float, float] | None
) -> Iterator[str]:
    line = f"{rate} {counts.rate:.2%}"
    if interval:
        line += f" (95 % interval {interval[0]:.2%} to {interval[1]:.2%})"
    yield line
    yield (
        f"    {counted(counts.num_reference, unit)}: {counts.substitutions} substituted, "
        f"{counts.deletions} deleted; {counts.insertions} inserted"
    )
