"""Transfer learning: what a classifier can start from, a recogniser or another classifier."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from keras import ops

from speechlstm.bundle import ClassifierBundle, find_bundle, read_any_bundle
from speechlstm.classification.model import LiteRTClassifier
from speechlstm.config import Settings
from speechlstm.training.acoustic.encoder import Encoder
from speechlstm.training.acoustic.stored_weights import assign_stored_weights
from speechlstm.training.acoustic.trained import trained_model
from speechlstm.training.acoustic.transfer import transfer_encoder
from speechlstm.training.classification.network import ClassifierNetwork
from speechlstm.training.classification.run import is_classifier_run, load_classifier_run


@dataclass(frozen=True)
class EncoderSource:
    """A trained network to start from.

    Attributes:
        path: The bundle or run of the network.
        network: Features, network and weights.
        classes: The classes of its output, if it is a classifier.
    """

    path: Path
    network: Encoder
    classes: tuple[str, ...] | None = None

    @property
    def settings(self) -> Settings:
        """Its features and network, with the default settings of training."""
        return Settings(features=self.network.features, model=self.network.config)


def read_encoder(name: str | Path) -> EncoderSource:
    """Read the best network of a run, or the network of a bundle, of a recogniser or a classifier.

    Raises:
        ModelError: The folder holds no such network, or it is damaged, or its weights cannot be
            read from its .tflite file.
        ConfigError: The run has settings that this version does not know.
    """
    path = find_bundle(name)
    if is_classifier_run(path):
        run = load_classifier_run(path)
        return EncoderSource(path, run.best_network(), run.classes)
    if not (path / "run.json").exists():
        bundle = read_any_bundle(path)
        if isinstance(bundle, ClassifierBundle):
            return EncoderSource(path, read_network(bundle), bundle.spec.classes)
    return EncoderSource(path, trained_model(path).model)


def transfer(
    source: EncoderSource,
    network: ClassifierNetwork,
    classes: tuple[str, ...],
    frozen_layers: int,
    report: Callable[[str], None],
) -> None:
    """Copy the weights of every layer that fits, also of the output layer if the classes agree.

    Args:
        source: The network to start from.
        network: The new network.
        frozen_layers: Number of recurrent layers that must fit, since they will not be trained.
        report: Called with lines of text: what is copied, what differs.

    Raises:
        ConfigError: No layer fits, or one that is to be frozen does not.
    """
    transfer_encoder(source.path, source.network, network, frozen_layers, report)
    if isinstance(source.network, ClassifierNetwork) and source.classes == classes:
        old, new = source.network.output_layer, network.output_layer
        if old.kernel.shape == new.kernel.shape:
            new.set_weights(old.get_weights())
            report(f"weights from {source.path}: output layer, for the same classes")


def read_network(bundle: ClassifierBundle) -> ClassifierNetwork:
    """The network of a bundle, with the weights in its .tflite file.

    Raises:
        BundleError: They cannot be read, or give other results than the file.
    """
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
