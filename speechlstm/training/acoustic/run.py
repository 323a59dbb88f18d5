"""A run: the folder that training fills and that can be resumed or exported.

run.json        settings, alphabet, manifests, the model it started from
initial.npz     weights to start from; only with --init-from
checkpoint.npz  weights, optimizer and progress, to resume from
best.npz        weights of the epoch with the lowest validation WER
metrics.jsonl   a line an epoch
training.png    loss and error rates by epoch
lock            held by the process that trains
refused.txt     utterances that could not be used, each with its reason
tensorboard/    the metrics as TensorBoard reads them
cache/          decoded recordings; may be deleted
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from speechlstm import __version__
from speechlstm.config import Settings
from speechlstm.errors import ConfigError
from speechlstm.text.alphabet import Alphabet
from speechlstm.text.lexicon import Lexicon
from speechlstm.training.acoustic.network import AcousticModel
from speechlstm.training.engine.checkpoint import save_checkpoint
from speechlstm.training.engine.run_folder import NetworkRun, read_description


@dataclass(frozen=True)
class Run(NetworkRun[AcousticModel]):
    """What a run was made from.

    Attributes:
        path: Its folder.
        settings: Features, model, training, augmentation.
        alphabet: What the model emits.
        train: Manifests it learns from.
        valid: Manifests it is measured on.
        init_from: Bundle or run whose weights it started from.
        lexicon: Pronouncing dictionary whose phones the model emits too.
        phones: Those phones.
        prolonged_at: Epochs that had ended when it was last prolonged: early stopping counts from
            there.
    """

    settings: Settings
    alphabet: Alphabet
    train: tuple[Path, ...]
    valid: tuple[Path, ...]
    init_from: Path | None = None
    lexicon: Path | None = None
    phones: Alphabet | None = None
    prolonged_at: int = 0

    def dictionary(self) -> Lexicon | None:
        """What the lexicon holds.

        Raises:
            DataError: It cannot be read.
            ConfigError: It has other phones than when the run was made.
        """
        if not self.lexicon:
            return None
        dictionary = Lexicon.read(self.lexicon)
        if dictionary.alphabet != self.phones:
            raise ConfigError(f"{self.lexicon}: has other phones than those of {self.path}")
        return dictionary

    def create(self, initial: AcousticModel | None = None) -> None:
        """Make the folder; a run in it that has not learnt anything yet is replaced.

        Args:
            initial: The model whose weights training starts from; fresh ones if None.

        Raises:
            ConfigError: It holds a run already.
        """
        self.clear()
        if initial:
            save_checkpoint(self.initial, {"model": initial.variables})
        self._describe()

    def prolonged(self, num_epochs: int) -> "Run":
        """The same run with another number of epochs, written to its folder.

        Raises:
            ConfigError: More have ended already.
            ModelError: Its metrics are damaged.
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
                "train": [str(path.resolve()) for path in self.train],
                "valid": [str(path.resolve()) for path in self.valid],
                "init_from": str(self.init_from.resolve()) if self.init_from else None,
                "lexicon": str(self.lexicon.resolve()) if self.lexicon else None,
                "phones": asdict(self.phones) if self.phones else None,
                "prolonged_at": self.prolonged_at,
            }
        )

    def new_network(self) -> AcousticModel:
        """The network with fresh weights."""
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
    """The run that a folder holds.

    Raises:
        ModelError: The folder holds no run, or its description is damaged.
        ConfigError: Its settings are not ones this version knows.
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
