"""Evaluation of a classifier on a manifest: accuracy with its interval, the confusion matrix."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speechlstm.audio import Piece
from speechlstm.classification import Classification, Classifier, label_of
from speechlstm.config import LabelField
from speechlstm.corpora.manifest import Manifest
from speechlstm.errors import DataError, ManifestError, counted, printable, quoted
from speechlstm.evaluation.metrics import ErrorCounts, bootstrap_interval
from speechlstm.evaluation.report import independent_units
from speechlstm.parallel import Progress, map_in_processes, no_progress
from speechlstm.recognizer.batch import Attempt

_NUM_CONFUSIONS = 10  # pairs of classes that the text lists


@dataclass(frozen=True)
class LabelScore:
    """The class of an utterance, compared with its label.

    Attributes:
        id: Id in the manifest.
        speaker: Identifies the speaker; None: not known.
    """

    id: str
    reference: str
    hypothesis: str
    probability: float
    speaker: str | None = None

    @property
    def is_correct(self) -> bool:
        """Whether the class is the label."""
        return self.reference == self.hypothesis


@dataclass(frozen=True)
class ClassificationReport:
    """The result of an evaluation.

    Attributes:
        classes: The classes, in the order of the rows and columns of the confusion matrix.
        scores: The utterances that were classified, at least one.
        failures: The reason why each of the others could not be used, by id.
        compute_seconds: Wall-clock time that they took, of all processes.
    """

    classes: tuple[str, ...]
    scores: tuple[LabelScore, ...]
    failures: dict[str, str] = field(default_factory=dict)
    audio_seconds: float = 0.0
    compute_seconds: float = 0.0

    @property
    def accuracy(self) -> float:
        """The share of the utterances whose class is right."""
        return sum(score.is_correct for score in self.scores) / len(self.scores)

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % confidence interval of the accuracy; None for a single utterance.

        The bootstrap resamples speakers, or utterances, as that of the word error rate.
        """
        units = independent_units(self.scores)
        if len(units) < 2:
            return None
        wrong = [sum(not score.is_correct for score in unit) for unit in units]
        counts = [
            ErrorCounts(hits=len(unit) - num, substitutions=num)
            for unit, num in zip(units, wrong, strict=True)
        ]
        low, high = bootstrap_interval(counts)
        return 1 - high, 1 - low

    @cached_property
    def confusion(self) -> NDArray[np.int64]:
        """The number of utterances by label (row) and class (column), square."""
        indices = {name: index for index, name in enumerate(self.classes)}
        matrix = np.zeros((len(self.classes), len(self.classes)), np.int64)
        for score in self.scores:
            matrix[indices[score.reference], indices[score.hypothesis]] += 1
        return matrix

    @property
    def mean_recall(self) -> float:
        """The accuracy of each class that occurs, averaged: with it, all classes count alike."""
        totals = self.confusion.sum(axis=1)
        recalls = np.diag(self.confusion)[totals > 0] / totals[totals > 0]
        return float(recalls.mean())

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return {
            "accuracy": self.accuracy,
            "accuracy_interval": self.interval,
            "mean_recall": self.mean_recall,
            "rtf": self.compute_seconds / self.audio_seconds if self.audio_seconds else None,
            "classes": list(self.classes),
            "confusion": self.confusion.tolist(),
            "utterances": [
                asdict(score) | {"probability": round(score.probability, 4)}
                for score in self.scores
            ],
            "failures": dict(self.failures),
        }

    def to_text(self, num_worst: int = 0) -> str:
        """The report as text to be read, with the most frequent confusions.

        Args:
            num_worst: How many of the wrong utterances to list, the most certain ones first.
        """
        line = f"Accuracy {self.accuracy:.2%}"
        if self.interval:
            line += f" (95 % interval {self.interval[0]:.2%} to {self.interval[1]:.2%})"
        num_wrong = sum(not score.is_correct for score in self.scores)
        lines = [
            line,
            f"    {counted(len(self.scores), 'utterance')}, {num_wrong} wrong; mean over classes "
            f"{self.mean_recall:.2%}",
        ]
        if self.audio_seconds:
            lines.append(
                f"RTF {self.compute_seconds / self.audio_seconds:.4f}: {self.compute_seconds:.1f} "
                f"s for {self.audio_seconds:.1f} s of audio"
            )
        if self.failures:
            lines.append(f"Failed: {counted(len(self.failures), 'utterance')}")
        if confusions := self._confusions():
            lines += ["", "Most frequent confusions (label -> class):"]
            lines += [
                f"{number:4}  {printable(self.classes[i])} -> {printable(self.classes[j])}"
                for number, i, j in confusions[:_NUM_CONFUSIONS]
            ]
        wrong = [score for score in self.scores if not score.is_correct]
        if worst := sorted(wrong, key=lambda score: -score.probability)[:num_worst]:
            lines += ["", "Most certain errors (probability, utterance, label -> class):"]
            lines += [
                f"{score.probability:.3f}  {printable(score.id)}: {printable(score.reference)} -> "
                f"{printable(score.hypothesis)}"
                for score in worst
            ]
        return "\n".join(lines)

    def _confusions(self) -> list[tuple[int, int, int]]:
        """The number of each confusion with the indices of label and class, the largest first."""
        matrix = self.confusion
        found = [(int(matrix[i, j]), int(i), int(j)) for i, j in np.argwhere(matrix) if i != j]
        return sorted(found, key=lambda confusion: -confusion[0])


def evaluate_classifier(
    load: Callable[[], Classifier],
    manifest: Manifest,
    field: LabelField | None = None,
    progress: Progress = no_progress,
    jobs: int = 1,
) -> ClassificationReport:
    """Classify the utterances of a manifest and compare the classes with the labels.

    Args:
        load: Returns the classifier; it is called once in each process, so it must be picklable.
        manifest: All utterances must have a label that the classifier knows.
        field: The field that has the label; None: that of the classifier's training.

    Raises:
        BundleError: The bundle cannot be used.
        ManifestError: An utterance has no label, or one that the classifier does not know, or no
            utterance could be classified.
    """
    classifier = load()
    labels = _labels(manifest, field or classifier.spec.label, classifier.classes)
    utterances = list(manifest)
    paths = [manifest.recording(utterance) for utterance in utterances]
    attempts = map_in_processes(partial(_load_attempt, load), paths, jobs)
    scores, failures = [], {}
    audio_seconds = compute_seconds = 0.0
    for utterance, label in progress(
        zip(utterances, labels, strict=True), len(utterances), "evaluating"
    ):
        attempt = next(attempts)
        if isinstance(attempt.result, DataError):
            failures[utterance.id] = str(attempt.result)
            continue
        audio_seconds += attempt.result.duration
        compute_seconds += attempt.compute_seconds
        scores.append(
            LabelScore(
                utterance.id, label, attempt.result.label, attempt.result.probability,
                utterance.speaker,
            )
        )  # fmt: skip
    if not scores:
        reason = next(iter(failures.values()))
        raise ManifestError(manifest.path, f"no utterance could be classified: {reason}")
    return ClassificationReport(
        classifier.classes, tuple(scores), failures, audio_seconds, compute_seconds
    )


def _labels(manifest: Manifest, field: LabelField, classes: Sequence[str]) -> list[str]:
    """The label of each utterance; the ManifestError of a wrong one names it."""
    labels = []
    for utterance in manifest:
        label = label_of(utterance, field)
        if label is None:
            raise ManifestError(
                manifest.path,
                f"{quoted(utterance.id)} has no {field}; name the field of the labels with --label",
            )
        if label not in classes:
            raise ManifestError(
                manifest.path,
                f"the {field} {quoted(label)} of {quoted(utterance.id)} is none of the "
                f"{len(classes)} classes that the classifier knows: {', '.join(classes)}",
            )
        labels.append(label)
    return labels


def _load_attempt(
    load: Callable[[], Classifier],
) -> Callable[[Path | Piece], Attempt[Classification]]:
    return partial(Attempt.of, load().classify_file)
