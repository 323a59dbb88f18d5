"""An adaptation in progress: its arguments, and what its files hold so far."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from speechlstm.bundle import Bundle
from speechlstm.corpora.manifest import Manifest
from speechlstm.parallel import Progress
from speechlstm.text.alphabet import Alphabet
from speechlstm.training.acoustic.conversion import Target
from speechlstm.training.acoustic.trained import TrainedModel, trained_model
from speechlstm.training.adaptation.plan import Plan, make_plan
from speechlstm.training.adaptation.recordings import Report
from speechlstm.training.adaptation.time_left import (
    BASE,
    EXPORT,
    FOLDS,
    LANGUAGE,
    TRAINING,
    TUNING,
    TimeLeft,
)
from speechlstm.training.adaptation.work import Work
from speechlstm.training.engine.run_folder import RunFolder
from speechlstm.training.tflite.edit import Quantization


@dataclass(frozen=True)
class Adaptation:
    """What every step of an adaptation needs. Files are read when they are first needed.

    Attributes:
        keep: As in adapt, as are the other attributes.
    """

    work: Work
    base: Bundle
    keep: float
    num_epochs: int | None
    targets: Sequence[Target]
    quantization: Quantization | None
    jobs: int
    report: Report
    progress: bool
    decoding: Progress

    @cached_property
    def source(self) -> TrainedModel:
        """The network of the base."""
        return trained_model(self.base.path)

    @cached_property
    def alphabet(self) -> Alphabet:
        """The alphabet of the new model."""
        values = self.work.read("language.json")
        return Alphabet(tuple(values["symbols"]))

    @property
    def same_labels(self) -> bool:
        """Whether the new model has the alphabet of the base."""
        return self.alphabet == self.base.acoustic.alphabet

    @property
    def lexicon(self) -> Path | None:
        """The pronouncing dictionary; None: the model has no output for phones."""
        has_phones = self.base.acoustic.phones and self.base.decoder.lexicon
        return self.work / "lexicon.dict" if self.same_labels and has_phones else None

    @cached_property
    def train(self) -> Manifest:
        """The training utterances."""
        return Manifest(self.work / "train.jsonl")

    @cached_property
    def held_out(self) -> Manifest:
        """The utterances for evaluation."""
        return Manifest(self.work / "held_out.jsonl")

    @cached_property
    def plan(self) -> Plan:
        """Layers, learning rate and epochs."""
        num_layers = self.base.acoustic.network.num_layers
        plan = make_plan(seconds_of(self.train), num_layers, self.same_labels)
        if self.num_epochs:
            plan = replace(plan, num_epochs=self.num_epochs, num_folds=0)
        return plan

    @property
    def chosen_epochs(self) -> int | None:
        """The number of epochs of the run; None: it has not been chosen yet."""
        if not (self.work / "plan.json").exists():
            return None
        return int(self.work.read("plan.json")["num_epochs"])

    @property
    def fold_epochs_left(self) -> int:
        """The number of epochs of the cross-validation that have not been trained yet."""
        if self.chosen_epochs is not None:
            return 0
        ended = sum(map(num_ended_epochs, (self.work / "folds").glob("run*")))
        return self.plan.num_folds * self.plan.num_epochs - ended

    @cached_property
    def time_left(self) -> TimeLeft:
        """The remaining time, of the steps that have not been done."""
        train, held_out = seconds_of(self.train), seconds_of(self.held_out) / self.jobs
        num_epochs = self.chosen_epochs
        if num_epochs is None:
            num_epochs = self.plan.num_epochs
        return TimeLeft(
            {
                LANGUAGE: not (self.work / "lm.ngram").exists(),
                FOLDS: self.fold_epochs_left * train,
                TRAINING: (num_epochs - num_ended_epochs(self.work / "run")) * train,
                EXPORT: len(self.targets) * (not (self.work / "bundle" / "bundle.json").exists()),
                BASE: self.same_labels * held_out,
                TUNING: held_out,
            }
        )


def seconds_of(manifest: Manifest) -> float:
    """The duration of all its utterances."""
    return sum(utterance.duration for utterance in manifest)


def num_ended_epochs(run: Path) -> int:
    """The number of epochs of a run that have ended; 0 if there is no run.

    Raises:
        ModelError: The run is damaged.
    """
    return len(RunFolder(run).read_metrics())
