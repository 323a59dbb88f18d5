"""Error rates beside WER and CER: sentences, phones, entities, rare words, silence, time."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from speechlstm.errors import counted
from speechlstm.evaluation.entities import NUMBERS, EntityErrors, EntityPattern, entity_errors
from speechlstm.evaluation.metrics import ErrorCounts, Score
from speechlstm.evaluation.phones import PhoneErrors, Pronounce, phone_errors

_FREQUENCIES = (1, 2, 4, 8, 16, 32, 64, 128)  # occurrences of a word from which a group begins


@dataclass(frozen=True)
class Rates:
    """Error rates in the units of other fields than words and characters.

    Attributes:
        num_sentences: The number of utterances.
        num_wrong: How many of them have a word error.
        frequencies: Errors in the words of the references by how often the word occurs in all of
            them; without insertions, which are in no word of a reference.
        entities: Errors in each kind of entity; numbers only if there are any.
        phones: Errors in phones; None: the words' phones are not known.
        rtf: The median and the 95 % quantile of the utterances' real-time factors; None: texts were
            compared.
        silent_seconds: Duration of the utterances whose reference is empty.
        silent_insertions: The words recognised in these.
    """

    num_sentences: int
    num_wrong: int
    frequencies: Mapping[str, ErrorCounts] = field(default_factory=dict)
    entities: Mapping[str, EntityErrors] = field(default_factory=dict)
    phones: PhoneErrors | None = None
    rtf: tuple[float, float] | None = None
    silent_seconds: float = 0.0
    silent_insertions: int = 0

    @property
    def ser(self) -> float:
        """Sentence error rate: the share of the utterances that have a word error."""
        return self.num_wrong / max(self.num_sentences, 1)

    @property
    def insertions_per_silent_minute(self) -> float | None:
        """Words recognised per minute of silence; None: there is no silence of known duration."""
        return 60 * self.silent_insertions / self.silent_seconds if self.silent_seconds else None

    def to_dict(self) -> dict[str, Any]:
        """The rates as plain JSON values."""
        phones = self.phones
        return {
            "ser": self.ser,
            "per": phones.per if phones else None,
            "phones": {**asdict(phones.counts), "left_out": phones.num_left_out}
            if phones
            else None,
            "entities": {
                kind: {
                    "wer": errors.words.rate if errors.num_entities else None,
                    "words": asdict(errors.words),
                    "entities": errors.num_entities,
                    "correct": errors.num_correct,
                }
                for kind, errors in self.entities.items()
            },
            "word_frequencies": {
                name: {"error_rate": counts.rate, **asdict(counts)}
                for name, counts in self.frequencies.items()
            },
            "rtf_median": self.rtf[0] if self.rtf else None,
            "rtf_95": self.rtf[1] if self.rtf else None,
            "silent_seconds": self.silent_seconds,
            "insertions_per_silent_minute": self.insertions_per_silent_minute,
        }

    def lines(self) -> Iterator[str]:
        """The rates as lines to be read."""
        yield f"SER {self.ser:.2%}: {self.num_wrong} of {self.num_sentences} utterances"
        if self.phones:
            per, left_out = self.phones.per, self.phones.num_left_out
            rate = "not measured" if per is None else f"{per:.2%}"
            line = f"PER {rate} of {self.phones.counts.num_reference} phones"
            yield line + (
                f"; {counted(left_out, 'utterance')} without pronunciation" if left_out else ""
            )
        for kind, errors in self.entities.items():
            if not errors.num_entities:
                yield f"{kind}: in none of the references"
                continue
            yield (
                f"{kind}: WER {errors.words.rate:.2%} of {errors.words.num_reference} words; "
                f"{errors.num_correct} of {errors.num_entities} without an error"
            )
        if len(self.frequencies) > 1:
            rates = (f"{name} {counts.rate:.1%}" for name, counts in self.frequencies.items())
            yield f"Wrong words by their number of occurrences: {', '.join(rates)}"
        if self.insertions_per_silent_minute is not None:
            yield (
                f"Silence: {self.insertions_per_silent_minute:.2f} words per minute, "
                f"{self.silent_insertions} in {self.silent_seconds:.1f} s"
            )


def measure_rates(
    scores: Sequence[Score],
    patterns: Sequence[EntityPattern] = (NUMBERS,),
    pronounce: Pronounce | None = None,
) -> Rates:
    """Measure all rates that the scores allow.

    Args:
        scores: Of the utterances.
        patterns: The kinds of entities.
        pronounce: The phones of words; None: they are not known.
    """
    rtfs = [s.compute_seconds / s.duration for s in scores if s.duration and s.compute_seconds]
    silent = [s for s in scores if not s.reference and s.duration]
    median, high = np.quantile(rtfs, [0.5, 0.95]) if rtfs else (0.0, 0.0)
    return Rates(
        len(scores),
        sum(score.words.num_errors > 0 for score in scores),
        _by_frequency(scores),
        _entities(scores, patterns),
        phone_errors([(s.reference, s.hypothesis) for s in scores], pronounce)
        if pronounce
        else None,
        (float(median), float(high)) if rtfs else None,
        sum(score.duration or 0.0 for score in silent),
        sum(score.words.insertions for score in silent),
    )


def _entities(
    scores: Sequence[Score], patterns: Sequence[EntityPattern]
) -> dict[str, EntityErrors]:
    """The errors in each kind; that of numbers is always sought, so it may be missing."""
    found = entity_errors([score.alignment for score in scores], patterns)
    return {
        kind: errors
        for kind, errors in found.items()
        if errors.num_entities or kind != NUMBERS.name
    }


def _by_frequency(scores: Sequence[Score]) -> dict[str, ErrorCounts]:
    occurrences = Counter(word for score in scores for word in score.reference.split())
    groups: defaultdict[int, ErrorCounts] = defaultdict(ErrorCounts)
    for score in scores:
        for pair in score.alignment:
            if pair.reference is not None:
                group = group_of(occurrences[pair.reference], _FREQUENCIES)
                is_deleted = pair.hypothesis is None
                is_substituted = not pair.is_correct and not is_deleted
                groups[group] += ErrorCounts(
                    int(pair.is_correct), int(is_substituted), int(is_deleted)
                )
    return {group_name(group, _FREQUENCIES): groups[group] for group in sorted(groups)}


def group_of(number: int, starts: Sequence[int]) -> int:
    """The index of the group that a number is in, which begins at starts[index].

    >>> group_of(5, (1, 2, 4, 8))
    2
    """
    return bisect_right(starts, number) - 1


def group_name(group: int, starts: Sequence[int]) -> str:
    """What is in a group.

    >>> [group_name(group, (1, 2, 4)) for group in range(3)]
    ['1', '2 to 3', '4 or more']
    """
    start = starts[group]
    if group == len(starts) - 1:
        return f"{start} or more"
    end = starts[group + 1] - 1
    return f"{start}" if end == start else f"{start} to {end}"
