"""The run of a classifier: the folder that training writes, to be resumed or exported.

Its files are those of the run of an acoustic model; best.npz has the weights of the epoch with the
highest validation accuracy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from speechlstm.config import LabelField, Settings
from speechlstm.corpora.manifest import Manifest
from speechlstm.storage import parse_json, read_regular_file
from speechlstm.training.acoustic.corpus import Corpus
from speechlstm.training.acoustic.run import CLASSIFY, SpeechRun, read_inputs
from speechlstm.training.classification.corpus import load_labelled
from speechlstm.training.classification.network import ClassifierNetwork
from speechlstm.training.engine.run_folder import RunFolder, read_description


@dataclass(frozen=True)
class ClassifierRun(SpeechRun[ClassifierNetwork]):
    """The settings and inputs of a run.

    Attributes (besides those of SpeechRun):
        label: The field of the manifests that has the classes.
        classes: The classes, in the order of the network's output.
    """

    settings: Settings
    label: LabelField
    classes: tuple[str, ...]
    train: tuple[Path, ...]
    valid: tuple[Path, ...]
    init_from: Path | None = None
    prolonged_at: int = 0

    @property
    def outputs(self) -> str:
        """See SpeechRun."""
        return f"{len(self.classes)} classes"

    def _outputs(self) -> dict[str, Any]:
        return {"task": CLASSIFY, "label": self.label, "classes": self.classes}

    def load_corpus(
        self,
        manifests: Sequence[Manifest],
        cache: Path,
        progress: bool = False,
        weights: Sequence[float] = (),
    ) -> Corpus:
        """See SpeechRun."""
        return load_labelled(
            manifests, self.label, self.classes, self.settings, cache, progress, weights,
        )  # fmt: skip

    def new_network(self) -> ClassifierNetwork:
        """The network with newly initialised weights."""
        training = self.settings.training
        return ClassifierNetwork(
            self.settings.features,
            self.settings.model,
            len(self.classes),
            products=training.precision,
            consistency=training.consistency,
        )

    def rank(self, metrics: Mapping[str, Any]) -> tuple[float, float]:
        """The share of validation utterances whose class is wrong, then the validation loss."""
        return 1 - metrics["valid_accuracy"], metrics["valid_loss"]


def is_classifier_run(path: Path) -> bool:
    """Whether a folder holds the run of a classifier; one that is damaged is no run."""
    try:
        values = parse_json(read_regular_file(RunFolder(path).description))
    except (OSError, ValueError):
        return False
    return isinstance(values, dict) and values.get("task") == CLASSIFY


def load_classifier_run(path: Path) -> ClassifierRun:
    """Load the run in a folder.

    Raises:
        ModelError: The folder holds no run of a classifier, or its run.json is damaged.
        ConfigError: The run has settings that this version does not know.
    """
    with read_description(path, "a classifier") as values:
        if values.get("task") != CLASSIFY or values["label"] not in get_args(LabelField):
            raise ValueError("it is the run of another network")
        sections, inputs = read_inputs(values)
        label, classes = values["label"], tuple(map(str, values["classes"]))
    settings = Settings.from_dict(sections, f"{path / 'run.json'}")
    return ClassifierRun(path, settings, label, classes, **inputs)
