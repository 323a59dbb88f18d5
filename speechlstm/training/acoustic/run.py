"""The run of an acoustic model: the folder that training writes, to be resumed or exported.

run.json        settings, alphabet, manifests, the model it started from
initial.npz     initial weights; only with --init-from
checkpoint.npz  weights, optimizer and progress, to resume from
best.npz        weights of the epoch with the lowest validation WER
metrics.jsonl   the metrics, a line for each epoch
training.png    loss and error rates by epoch
lock            locked by the process that trains
refused.txt     unusable utterances, each with the reason
tensorboard/    the metrics for TensorBoard
cache/          decoded recordings, and copies at other speeds; may be deleted
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from speechlstm import __version__
from speechlstm.config import Settings
from speechlstm.errors import ConfigError
from speechlstm.storage import address_of
from speechlstm.text.alphabet import Alphabet
from speechlstm.text.lexicon import Lexicon
from speechlstm.training.acoustic.network import AcousticModel
from speechlstm.training.engine.checkpoint import save_checkpoint
from speechlstm.training.engine.run_folder import NetworkRun, read_description


@dataclass(frozen=True)
class Run(NetworkRun[AcousticModel]):
    """The settings and inputs of a run.

    Attributes:
        path: The folder of the run.
        settings: Features, network, training, augmentation.
        alphabet: The alphabet of the model.
        train: Training manifests.
        valid: Validation manifests.
        init_from: Bundle or run whose weights the training started from.
        lexicon: Pronouncing dictionary; its phones are the labels of the second output.
        phones: The alphabet of these phones.
        prolonged_at: Number of epochs that had ended when the number of epochs was last changed;
            early stopping counts from there.
    """

    settings: Settings
    alphabet: Alphabet
    train: tuple[Path, ...]
    valid: tuple[Path, ...]
    init_from: Path | None = None
    lexicon: Path | None = None
    phones: Alphabet | None = None
    prolonged_at: int = 0

    def read_lexicon(self) -> Lexicon | None:
        """Read the lexicon; None if the run has none.

        Raises:
            DataError: The file cannot be read.
            ConfigError: Its phones have changed since the run was created.
        """
        if not self.lexicon:
            return None
        lexicon = Lexicon.read(self.lexicon)
        if lexicon.alphabet != self.phones:
            raise ConfigError(
                f"{self.lexicon}: its phones have changed since {self.path} was created: "
                "restore the file, or train a new run"
            )
        return lexicon

    def create(self, initial: AcousticModel | None = None) -> None:
        """Create the folder of the run; a run in it without a checkpoint is replaced.

        Args:
            initial: The model whose weights training starts from; by default random ones.

        Raises:
            ConfigError: The folder holds a run already.
        """
        self.clear()
        if initial:
            save_checkpoint(self.initial, {"model": initial.variables})
        self._describe()

    def prolonged(self, num_epochs: int) -> "Run":
        """Change the number of epochs, also in the folder; returns the changed run.

        Raises:
            ConfigError: More epochs have ended already.
            ModelError: The metrics are damaged.
        """
        done = self.check_prolonging(num_epochs)
        if num_epochs == self.settings.training.num_epochs:
            return self
        settings = self.settings.with_training(num_epochs=num_epochs)
        run = replace(self, settings=settings, prolonged_at=done)
        run._describe()
        return run

    def _describe(self) -> None:
        self.write_description(
            {
                "version": __version__,
                **self.settings.to_dict(),
                "alphabet": asdict(self.alphabet),
                "train": [address_of(path) or str(path.resolve()) for path in self.train],
                "valid": [address_of(path) or str(path.resolve()) for path in self.valid],
                "init_from": str(self.init_from.resolve()) if self.init_from else None,
                "lexicon": str(self.lexicon.resolve()) if self.lexicon else None,
                "phones": asdict(self.phones) if self.phones else None,
                "prolonged_at": self.prolonged_at,
            }
        )

    def new_network(self) -> AcousticModel:
        """The network with newly initialised weights."""
        settings = self.settings
        return AcousticModel(
            settings.features,
            settings.model,
            self.alphabet.num_labels,
            self.phones.num_labels if self.phones else 0,
            products=settings.training.precision,
            consistency=settings.training.consistency,
        )

    def rank(self, metrics: Mapping[str, Any]) -> tuple[float, float]:
        """The validation WER, then the CER: the WER is 1 until the first words are right."""
        return metrics["valid_wer"], metrics["valid_cer"]


def load_run(path: Path) -> Run:
    """Load the run in a folder.

    Raises:
        ModelError: The folder holds no run of an acoustic model, or its run.json is damaged.
        ConfigError: The run has settings that this version does not know.
    """
    with read_description(path, "an acoustic model") as values:
        sections = {name: values[name] for name in Settings().to_dict()}
        alphabet = _alphabet(values["alphabet"])
        phones = _alphabet(values["phones"]) if values["phones"] else None
        train, valid = (tuple(map(Path, values[key])) for key in ("train", "valid"))
        init_from, lexicon = (
            Path(values[key]) if values.get(key) else None for key in ("init_from", "lexicon")
        )
        prolonged_at = int(values.get("prolonged_at", 0))
    settings = Settings.from_dict(sections, f"{path / 'run.json'}")
    return Run(path, settings, alphabet, train, valid, init_from, lexicon, phones, prolonged_at)


def _alphabet(values: Mapping[str, Any]) -> Alphabet:
    return Alphabet(tuple(values["symbols"]), values["separator"])
