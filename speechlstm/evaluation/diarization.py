"""Diarization error rate: how much of the speech is given to the wrong speaker, or to none.

Source: NIST, "The Rich Transcription 2009 Meeting Recognition Evaluation Plan"; md-eval.pl.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speechlstm.errors import DataError, MissingDependencyError, printable
from speechlstm.evaluation.pairing import common_keys
from speechlstm.transcript.rttm import Turn

COLLAR_SECONDS = 0.25


@dataclass(frozen=True)
class DiarizationErrors:
    """The speech of reference and hypothesis that differs, in seconds.

    Attributes:
        missed: Speech of the reference in which the hypothesis has no speaker, or too few.
        false_alarm: Speech of the hypothesis where the reference has none, or fewer speakers.
        confusion: Speech that is given to another speaker.
        total: All speech of the reference; where two speak at once, it counts twice.
    """

    missed: float = 0.0
    false_alarm: float = 0.0
    confusion: float = 0.0
    total: float = 0.0

    def __add__(self, other: "DiarizationErrors") -> "DiarizationErrors":
        return DiarizationErrors(
            self.missed + other.missed,
            self.false_alarm + other.false_alarm,
            self.confusion + other.confusion,
            self.total + other.total,
        )

    @property
    def rate(self) -> float:
        """The diarization error rate (DER), a fraction that may exceed 1; nan without speech."""
        errors = self.missed + self.false_alarm + self.confusion
        return errors / self.total if self.total else float("nan")


def diarization_errors(
    reference: Sequence[Turn], hypothesis: Sequence[Turn], collar: float = COLLAR_SECONDS
) -> DiarizationErrors:
    """Compare who speaks when in one recording, whatever the speakers are called.

    Speakers are paired one to one so that they agree as long as possible.

    >>> anna_and_ben = [Turn("anna", 0, 4), Turn("ben", 4, 8)]
    >>> diarization_errors(anna_and_ben, [Turn("1", 0, 5), Turn("2", 5, 8)], collar=0).rate
    0.125

    Args:
        reference: The true turns, which may overlap.
        collar: Seconds before and after each start and end of a true turn that are not scored.

    Raises:
        MissingDependencyError: scipy is not installed.
    """
    edges = _edges(reference, hypothesis, collar)
    middles = (edges[1:] + edges[:-1]) / 2
    seconds = np.diff(edges) * _scored(middles, reference, collar)
    true, found = _active(middles, reference), _active(middles, hypothesis)
    num_true, num_found = true.sum(axis=0), found.sum(axis=0)
    agreed = (true * seconds) @ found.T
    matched = 0.0
    if agreed.size:
        rows, columns = _assignment(agreed)
        matched = float(agreed[rows, columns].sum())
    shared = float((np.minimum(num_true, num_found) * seconds).sum())
    return DiarizationErrors(
        float((np.maximum(num_true - num_found, 0) * seconds).sum()),
        float((np.maximum(num_found - num_true, 0) * seconds).sum()),
        max(0.0, shared - matched),
        float((num_true * seconds).sum()),
    )


def _edges(
    reference: Sequence[Turn], hypothesis: Sequence[Turn], collar: float
) -> NDArray[np.float64]:
    """All times at which anything changes, ascending."""
    times = {0.0}
    for turn in hypothesis:
        times |= {turn.start, turn.end}
    for turn in reference:
        for time in (turn.start, turn.end):
            times |= {time - collar, time, time + collar}
    return np.array(sorted(times))


def _scored(
    times: NDArray[np.float64], reference: Iterable[Turn], collar: float
) -> NDArray[np.bool_]:
    scored = np.ones(len(times), np.bool_)
    for turn in reference:
        for edge in (turn.start, turn.end):
            scored &= np.abs(times - edge) >= collar
    return scored


def _active(times: NDArray[np.float64], turns: Sequence[Turn]) -> NDArray[np.float64]:
    """(num_speakers, num_times): whether each speaker speaks."""
    names = sorted({turn.speaker for turn in turns})
    active = np.zeros((len(names), len(times)))
    for turn in turns:
        active[names.index(turn.speaker)] += (turn.start <= times) & (times < turn.end)
    return np.minimum(active, 1)


def _assignment(agreed: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    try:
        from scipy.optimize import linear_sum_assignment
    except ImportError:
        raise MissingDependencyError("scipy") from None
    rows, columns = linear_sum_assignment(agreed, maximize=True)
    return rows, columns


@dataclass(frozen=True)
class DiarizationReport:
    """The errors of each recording.

    Attributes:
        recordings: The errors by the name of the recording, at least one.
        num_speakers: The numbers of speakers of reference and hypothesis, by recording.
    """

    recordings: dict[str, DiarizationErrors]
    num_speakers: dict[str, tuple[int, int]]

    @property
    def whole(self) -> DiarizationErrors:
        """The errors of all recordings, added."""
        return sum(self.recordings.values(), DiarizationErrors())

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return {
            **_to_dict(self.whole),
            "recordings": {
                name: _to_dict(errors)
                | dict(zip(("reference", "hypothesis"), self.num_speakers[name], strict=True))
                for name, errors in self.recordings.items()
            },
        }

    def to_text(self, worst: int = 0) -> str:
        """The report as text to be read.

        Args:
            worst: How many recordings to list, those of the highest rate first.
        """
        lines = [f"DER {_line(self.whole)}"]
        rated = [(e.rate, name) for name, e in self.recordings.items() if e.total]
        if worst and len(self.recordings) > 1:
            lines += ["", "Highest rates (and the speakers of reference and hypothesis):"]
            for _, name in sorted(rated, key=lambda pair: -pair[0])[:worst]:
                numbers = "{} and {}".format(*self.num_speakers[name])
                lines.append(f"  {printable(name)}: {_line(self.recordings[name])}; {numbers}")
        return "\n".join(lines)


def _to_dict(errors: DiarizationErrors) -> dict[str, Any]:
    return {
        "der": errors.rate if errors.total else None,
        **{name: round(seconds, 3) for name, seconds in asdict(errors).items()},
    }


def _line(errors: DiarizationErrors) -> str:
    if not errors.total:
        return f"none: no speech is scored; false alarm {errors.false_alarm:.1f} s"
    named = {"missed": errors.missed, "false alarm": errors.false_alarm}
    named["confusion"] = errors.confusion
    shares = ", ".join(f"{name} {seconds / errors.total:.2%}" for name, seconds in named.items())
    return f"{errors.rate:.2%} ({shares} of {errors.total:.1f} s of speech)"


def score_turns(
    references: dict[str, list[Turn]],
    hypotheses: dict[str, list[Turn]],
    collar: float = COLLAR_SECONDS,
) -> DiarizationReport:
    """Score the turns of recordings. One that the hypotheses lack is missed as a whole.

    Names are paired as those of texts: see score_transcripts.

    Raises:
        DataError: The hypotheses have a recording that the references lack.
        MissingDependencyError: scipy is not installed.
    """
    to_key, hypothesis_to_key = common_keys(references, hypotheses)
    by_key = {hypothesis_to_key(name): turns for name, turns in hypotheses.items()}
    keys = set(map(to_key, references))
    if others := sorted(name for name in hypotheses if hypothesis_to_key(name) not in keys):
        raise DataError(f"the reference has no turns of {', '.join(others[:20])}")
    errors, numbers = {}, {}
    for name, turns in references.items():
        found = by_key.get(to_key(name), [])
        errors[name] = diarization_errors(turns, found, collar)
        numbers[name] = len({t.speaker for t in turns}), len({t.speaker for t in found})
    return DiarizationReport(errors, numbers)
