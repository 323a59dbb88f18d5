"""Transfer learning: what a classifier can start from, a recogniser or another classifier."""

from collections.abc import Callable

from speechlstm.arguments import StrPath
from speechlstm.bundle import find_bundle
from speechlstm.training.acoustic.trained import TrainedModel, trained_model
from speechlstm.training.acoustic.transfer import transfer_encoder
from speechlstm.training.classification.network import ClassifierNetwork
from speechlstm.training.classification.trained import (
    TrainedClassifier,
    is_classifier,
    trained_classifier,
)

Trained = TrainedModel | TrainedClassifier


def read_encoder(name: StrPath) -> Trained:
    """Read the best network of a run, or the network of a bundle, of a recogniser or a classifier.

    Raises:
        ModelError: The folder holds no such network, or it is damaged, or its weights cannot be
            read from its .tflite file.
        ConfigError: The run has settings that this version does not know.
    """
    path = find_bundle(name)
    return trained_classifier(path) if is_classifier(path) else trained_model(path)


def transfer(
    source: Trained,
    network: ClassifierNetwork,
    classes: tuple[str, ...],
    frozen_layers: int,
    report: Callable[[str], None],
) -> None:
    """Copy the weights of every layer that fits, also of the output layer if the classes agree.

    Args:
        frozen_layers: Number of recurrent layers that must fit, since they will not be trained.
        report: Called with lines of text: what is copied, what differs.

    Raises:
        ConfigError: No layer fits, or one that is to be frozen does not.
    """
    transfer_encoder(source.path, source.network, network, frozen_layers, report)
    if isinstance(source, TrainedClassifier) and source.spec.classes == classes:
        old, new = source.network.output_layer, network.output_layer
        if old.kernel.shape == new.kernel.shape:
            new.set_weights(old.get_weights())
            report(f"weights from {source.path}: output layer, for the same classes")
