"""A trained model, of a run or of a bundle: to be exported, or for another to start from."""

from dataclasses import dataclass, replace
from pathlib import Path

from speechlstm.acoustic import LiteRTAcousticModel
from speechlstm.arguments import StrPath
from speechlstm.bundle import AcousticSpec, Bundle, find_bundle, read_bundle
from speechlstm.config import Settings
from speechlstm.decoding.spec import DecoderSpec
from speechlstm.text.alphabet import Alphabet
from speechlstm.training.acoustic.network import AcousticNetwork
from speechlstm.training.acoustic.run import Run, load_run
from speechlstm.training.acoustic.stored_weights import assign_stored_weights
from speechlstm.training.engine.run_folder import is_run
from speechlstm.training.tflite.edit import Quantization, stored_quantization


@dataclass(frozen=True)
class TrainedModel:
    """A trained model and what is known about it.

    Attributes:
        path: The run or the bundle; of a new model that is in neither, what messages call it.
        acoustic: Its features, alphabets and training.
        bundle: The bundle, if it is not a run.
    """

    path: Path
    network: AcousticNetwork
    acoustic: AcousticSpec
    valid: tuple[Path, ...] = ()
    bundle: Bundle | None = None

    @property
    def settings(self) -> Settings:
        """Its features and network, with the default settings of training."""
        return Settings(features=self.network.features, model=self.network.config)

    @property
    def alphabet(self) -> Alphabet:
        """The alphabet of its character labels."""
        return self.acoustic.alphabet

    @property
    def phones(self) -> Alphabet | None:
        """The alphabet of its phone labels, if it has a second output."""
        return self.acoustic.phones

    @property
    def decoder(self) -> DecoderSpec | None:
        """The decoder of the bundle; None if it has no files and only default settings."""
        return self.bundle.decoder if self.bundle and self.bundle.decoder != DecoderSpec() else None

    @property
    def quantization(self) -> Quantization:
        """How the bundle stores the recurrent kernels."""
        return stored_quantization(self.bundle.model_path.read_bytes()) if self.bundle else "none"

    def stored(self, file: str, quantization: Quantization) -> bytes | None:
        """The content of the bundle's model, if its file has this name and this quantization."""
        if not self.bundle or self.bundle.model_path.name != file:
            return None
        return self.bundle.model_path.read_bytes() if self.quantization == quantization else None

    def has_decoder(self, decoder: DecoderSpec) -> bool:
        """Whether a decoder, which was written with this one's files, is this one."""
        if not self.decoder:
            return False
        ours, theirs = self.decoder.files, decoder.files
        settings = [
            replace(d, lm=None, neural_lm=None, lexicon=None, g2p=None, punctuator=None,
                    calibration=None)
            for d in (self.decoder, decoder)
        ]  # fmt: skip
        return settings[0] == settings[1] and [p.read_bytes() for p in ours] == [
            p.read_bytes() for p in theirs
        ]


def trained_model(source: Run | StrPath) -> TrainedModel:
    """The best model of a run, or the model of a bundle.

    The weights of a bundle are read from its .tflite file, in the precision in which it stores
    them.

    Args:
        source: The run, its folder, or a bundle: "english", a folder or a .tflite file.

    Raises:
        ModelError: No epoch of the run has ended, or there is neither a run nor a bundle, or it is
            damaged, or the weights of a bundle cannot be read.
        ConfigError: The run has settings that this version does not know.
    """
    if isinstance(source, Run):
        return _of_run(source)
    path = find_bundle(source)
    if is_run(path):
        return _of_run(load_run(path))
    bundle = read_bundle(path)
    return TrainedModel(path, _read_network(bundle), bundle.acoustic, bundle=bundle)


def _of_run(run: Run) -> TrainedModel:
    settings, model = run.settings, run.best_network()
    training = settings.training.to_dict() | {"best_epoch": run.summary()}
    acoustic = AcousticSpec(settings.features, run.alphabet, settings.model, run.phones, training)
    return TrainedModel(run.path, model, acoustic, run.valid)


def _read_network(bundle: Bundle) -> AcousticNetwork:
    """The model of a bundle, with the weights in its .tflite file."""
    spec = bundle.acoustic
    num_phones = spec.phones.num_labels if spec.phones else 0
    model = AcousticNetwork(spec.features, spec.network, spec.alphabet.num_labels, num_phones)
    assign_stored_weights(
        model,
        model.output_layers,
        bundle,
        lambda batch: model.log_probs(model(batch)[0]),
        lambda audio: LiteRTAcousticModel(bundle).outputs(audio),
    )
    return model
