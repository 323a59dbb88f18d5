"""A trained model that is to be exported: that of a run, or that of a bundle."""

from dataclasses import dataclass, replace
from pathlib import Path

from speechlstm.bundle import AcousticSpec, find_bundle, read_bundle
from speechlstm.decoding.spec import DecoderSpec
from speechlstm.training.acoustic.network import AcousticModel
from speechlstm.training.acoustic.run import Run, load_run
from speechlstm.training.acoustic.transfer import read_source
from speechlstm.training.tflite.edit import Quantization, stored_quantization


@dataclass(frozen=True)
class TrainedModel:
    """A trained model and what is known about it.

    Attributes:
        valid: The manifests that it was validated on.
        decoder: The decoder of its bundle.
        file: The name of the file of its bundle.
    """

    model: AcousticModel
    acoustic: AcousticSpec
    valid: tuple[Path, ...] = ()
    decoder: DecoderSpec | None = None
    file: str = ""
    tflite: bytes = b""

    @property
    def quantization(self) -> Quantization:
        """How the bundle stores the recurrent kernels."""
        return stored_quantization(self.tflite) if self.tflite else "none"

    def is_stored(self, file: str, quantization: Quantization) -> bool:
        """Whether the bundle has the model in a file of this name and quantization."""
        return self.file == file and self.quantization == quantization

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


def trained_model(run: Run | str | Path) -> TrainedModel:
    """The best model of a run, or the model of a bundle.

    Args:
        run: The run, its folder, or a bundle: "english", a folder or a .tflite file.

    Raises:
        ModelError: No epoch of the run has ended, or there is neither a run nor a bundle, or the
            weights of a bundle cannot be read.
        ConfigError: The run has settings that this version does not know.
    """
    if not isinstance(run, Run):
        path = find_bundle(run)
        if path.is_file() or (path / "bundle.json").exists():
            bundle = read_bundle(path)
            model = read_source(path).model
            tflite = bundle.model_path.read_bytes()
            decoder = None if bundle.decoder == DecoderSpec() else bundle.decoder
            name = bundle.model_path.name
            return TrainedModel(model, bundle.acoustic, (), decoder, name, tflite)
        run = load_run(path)
    model = run.best_network()
    training = run.settings.training.to_dict() | {"best_epoch": run.summary()}
    acoustic = AcousticSpec(
        run.settings.features, run.alphabet, run.settings.model, run.phones, training
    )
    return TrainedModel(model, acoustic, run.valid)
