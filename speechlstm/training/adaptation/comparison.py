"""Errors on the held-out utterances before and after the adaptation."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from speechlstm.corpora.manifest import Utterance
from speechlstm.errors import counted
from speechlstm.evaluation.metrics import Score
from speechlstm.evaluation.report import EvaluationReport
from speechlstm.evaluation.score import compare
from speechlstm.evaluation.tuning import Trial
from speechlstm.text.normalize import normalize

Choose = Callable[[Sequence[Sequence[int]]], int]

_WIDE = 0.1  # a confidence interval of the WER that is wider than this is reported


def cross_fitted(
    trials: Sequence[Trial], utterances: Sequence[Utterance], choose: Choose
) -> EvaluationReport:
    """The errors of each half of the utterances with the settings chosen on the other half.

    So no utterance is evaluated with settings that were chosen on it, and all are evaluated.

    Args:
        trials: The results of all settings, on all utterances.
        utterances: In the order of the trials' hypotheses.
        choose: Returns the index of the best trial, from the errors of each in each utterance.
    """
    references = [normalize(utterance.text or "") for utterance in utterances]
    texts = [[normalize(found[0].text) for found in trial.hypotheses] for trial in trials]
    chosen = [choose([trial.num_errors[1 - half :: 2] for trial in trials]) for half in (0, 1)]
    return EvaluationReport(
        tuple(
            compare(utterance.id, reference, texts[chosen[i % 2]][i], utterance.speaker)
            for i, (utterance, reference) in enumerate(zip(utterances, references, strict=True))
        )
    )


@dataclass(frozen=True)
class Comparison:
    """The scores of the held-out utterances before and after the adaptation.

    Attributes:
        before: Of the base; None: it has another alphabet.
        after: Of the new model.
    """

    before: EvaluationReport | None
    after: EvaluationReport

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Comparison":
        """The inverse of to_dict."""
        reports = [
            EvaluationReport(tuple(Score(**score) for score in values[key]))
            if values[key] is not None
            else None
            for key in ("before", "after")
        ]
        if reports[1] is None:
            raise ValueError("after: missing")
        return cls(reports[0], reports[1])

    def to_dict(self) -> dict[str, Any]:
        """References and hypotheses as plain JSON values."""
        return {
            key: report
            and [
                {
                    "id": score.id,
                    "reference": score.reference,
                    "hypothesis": score.hypothesis,
                    "speaker": score.speaker,
                }
                for score in report.scores
            ]
            for key, report in (("before", self.before), ("after", self.after))
        }

    def to_text(self, num_worst: int = 5) -> str:
        """A table, the worst utterances, and advice."""
        return "\n".join([*self._table(), *self._worst(num_worst), *self.advice()])

    def _table(self) -> Iterator[str]:
        num_utterances = counted(len(self.after.scores), "utterance")
        num_words = counted(self.after.words.num_reference, "word")
        yield f"{'':6}  {'before':24}  {'after':24}  ({num_utterances}, {num_words}, held out)"
        for name in ("wer", "cer"):
            cells = [_cell(report, name) for report in (self.before, self.after)]
            yield f"{name.upper():6}  {cells[0]:24}  {cells[1]:24}".rstrip()

    def _worst(self, num_worst: int) -> Iterator[str]:
        if worst := self.after.worst(num_worst):
            yield "Most word errors ([reference->hypothesis], [-deleted], [+inserted]):"
            for score in worst:
                values = score.to_dict()
                yield f"{score.words.num_errors:4}  {score.id}: {values['errors']}"

    def advice(self) -> Iterator[str]:
        """Advice if the figures are uncertain, or no better than before."""
        interval = self.after.wer_interval
        if interval is None or interval[1] - interval[0] > _WIDE:
            yield (
                "Too little is held out to tell the WER within 10 points: record more, of more "
                "speakers, before you rely on it."
            )
        num_errors = self.after.words.num_errors
        if num_errors and self.before and num_errors >= self.before.words.num_errors:
            yield (
                "No better than before: either the model knew such speech already, or texts do not "
                "match their recordings (see the worst utterances), or there is too little: record "
                "ten minutes or more, and give typical sentences with --text."
            )


def _cell(report: EvaluationReport | None, name: str) -> str:
    if report is None:
        return "another alphabet"
    interval = getattr(report, f"{name}_interval")
    rate = f"{getattr(report, name):.1%}"
    return rate + (f" ({interval[0]:.1%} to {interval[1]:.1%})" if interval else "")
