"""A trained classifier, of a run or of a bundle: to be exported, or for another to start from."""

from dataclasses import dataclass
from pathlib import Path

from keras import ops

from speechlstm.arguments import StrPath
from speechlstm.bundle import (
    ClassifierBundle,
    ClassifierSpec,
    find_bundle,
    read_any_bundle,
    read_classifier,
)
from speechlstm.classification.model import LiteRTClassifier
from speechlstm.config import Settings
from speechlstm.training.acoustic.stored_weights import assign_stored_weights
from speechlstm.training.classification.network import ClassifierNetwork
from speechlstm.training.classification.run import (
    ClassifierRun,
    is_classifier_run,
    load_classifier_run,
)
from speechlstm.training.engine.run_folder import is_run
from speechlstm.training.tflite.edit import Quantization, stored_quantization


@dataclass(frozen=True)
class TrainedClassifier:
    """A trained classifier and what is known about it.

    Attributes:
        spec: Its features and classes, and how it was trained.
        quantization: How its bundle stores the kernels; "none" for a run.
    """

    path: Path
    network: ClassifierNetwork
    spec: ClassifierSpec
    valid: tuple[Path, ...] = ()
    quantization: Quantization = "none"

    @property
    def settings(self) -> Settings:
        """Its features and network, with the default settings of training."""
        return Settings(features=self.network.features, model=self.network.config)


def is_classifier(path: Path) -> bool:
    """Whether a path holds the run or the bundle of a classifier.

    Raises:
        BundleError: It holds a damaged bundle.
    """
    if is_run(path):
        return is_classifier_run(path)
    return isinstance(read_any_bundle(path), ClassifierBundle)


def trained_classifier(source: ClassifierRun | StrPath) -> TrainedClassifier:
    """The best network of a run, or the network of a bundle.

    Args:
        source: The run, its folder, or the folder or .tflite file of a bundle.

    Raises:
        ModelError: No epoch of the run has ended, or there is neither a run nor a bundle, or the
            weights of a bundle cannot be read.
        ConfigError: The run has settings that this version does not know.
    """
    if not isinstance(source, ClassifierRun):
        path = find_bundle(source)
        if not is_run(path):
            bundle = read_classifier(path)
            stored = stored_quantization(bundle.model_path.read_bytes())
            return TrainedClassifier(path, _read_network(bundle), bundle.spec, (), stored)
        source = load_classifier_run(path)
    settings = source.settings
    training = settings.training.to_dict() | {"best_epoch": source.summary()}
    spec = ClassifierSpec(settings.features, source.classes, source.label, settings.model, training)
    return TrainedClassifier(source.path, source.best_network(), spec, source.valid)


def _read_network(bundle: ClassifierBundle) -> ClassifierNetwork:
    """The network of a bundle, with the weights in its .tflite file."""
    spec = bundle.spec
    network = ClassifierNetwork(spec.features, spec.network, len(spec.classes))
    assign_stored_weights(
        network,
        [network.output_layer],
        bundle,
        lambda batch: ops.log_softmax(network(batch)[0]),
        lambda audio: LiteRTClassifier(bundle).outputs(audio)[0],
    )
    return network
