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

import json
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self, TypeVar

from speechlstm import __version__
from speechlstm.config import Settings
from speechlstm.corpora.manifest import Manifest
from speechlstm.errors import ConfigError, printable
from speechlstm.storage import address_of, parse_checked, read_regular_file, write_atomically
from speechlstm.text.alphabet import Alphabet
from speechlstm.text.lexicon import Lexicon
from speechlstm.training.acoustic.corpus import Corpus, load_corpus
from speechlstm.training.acoustic.encoder import Encoder
from speechlstm.training.acoustic.network import AcousticNetwork
from speechlstm.training.engine.checkpoint import save_checkpoint
from speechlstm.training.engine.run_folder import HAS_INITIAL, NetworkRun, read_description

CLASSIFY = "classify"  # "task" in the run.json of a classifier

E = TypeVar("E", bound=Encoder)


class SpeechRun(NetworkRun[E]):
    """What the runs of all networks of speech have in common.

    Attributes (fields of the subclasses):
        settings: Features, network, training, augmentation.
        train: Training manifests.
        valid: Validation manifests.
        init_from: Bundle or run whose weights the training started from.
        prolonged_at: Number of epochs that had ended when the number of epochs was last changed;
            early stopping counts from there.
    """

    settings: Settings
    train: tuple[Path, ...]
    valid: tuple[Path, ...]
    init_from: Path | None
    prolonged_at: int

    @property
    @abstractmethod
    def outputs(self) -> str:
        """What the network outputs and how many, in words."""

    @abstractmethod
    def _outputs(self) -> dict[str, Any]:
        """What the network outputs, as JSON values for run.json."""

    @abstractmethod
    def load_corpus(
        self,
        manifests: Sequence[Manifest],
        cache: Path,
        progress: bool = False,
        weights: Sequence[float] = (),
    ) -> Corpus:
        """Decode the recordings of manifests, and encode what is to be learned from them.

        Args:
            cache: The folder for decoded recordings; created if it is missing.
            weights: How often an epoch has the utterances of each manifest; (): once.

        Raises:
            ManifestError: A manifest cannot be read.
            TrainingError: No utterance is usable; the message has the first reasons.
        """

    def create(self, initial: E | None = None) -> None:
        """Create the folder of the run; a run in it without a checkpoint is replaced.

        Args:
            initial: The network whose weights training starts from; by default random ones.

        Raises:
            ConfigError: The folder holds a run already.
        """
        self.clear()
        if initial:
            save_checkpoint(self.initial, {"model": initial.variables})
        self._describe()

    @property
    def refused(self) -> Path:
        """The list of unusable utterances, each with the reason."""
        return self.path / "refused.txt"

    def refuse(self, reasons: Iterable[str]) -> None:
        """Add unusable utterances to the list."""
        listed = self.refused.read_bytes() if self.refused.exists() else b""
        added = "".join(f"{printable(reason)}\n" for reason in reasons)
        write_atomically(self.refused, listed + added.encode())

    def prolonged(self, num_epochs: int) -> Self:
        """Change the number of epochs, also in the folder; returns the changed run.

        Raises:
            ConfigError: More epochs have ended already.
            ModelError: The metrics are damaged.
        """
        done = self.check_prolonging(num_epochs)
        if num_epochs == self.settings.training.num_epochs:
            return self
        settings = self.settings.with_training(num_epochs=num_epochs)
        run = replace(self, settings=settings, prolonged_at=done)  # type: ignore[call-arg]
        run._describe()
        return run

    def is_begun(self) -> bool:
        """Whether the folder holds this run already, with a checkpoint."""
        if not self.checkpoint.exists():
            return False
        try:
            found = parse_checked(read_regular_file(self.description))
        except (OSError, ValueError):
            return False
        expected: dict[str, Any] = json.loads(json.dumps(self._values()))
        found.pop(HAS_INITIAL, None)
        return found | {"version": __version__} == expected

    def _describe(self) -> None:
        self.write_description(self._values())

    def _values(self) -> dict[str, Any]:
        return {
            "version": __version__,
            **self.settings.to_dict(),
            **self._outputs(),
            "train": [address_of(path) or str(path.resolve()) for path in self.train],
            "valid": [address_of(path) or str(path.resolve()) for path in self.valid],
            "init_from": str(self.init_from.resolve()) if self.init_from else None,
            "prolonged_at": self.prolonged_at,
        }


@dataclass(frozen=True)
class Run(SpeechRun[AcousticNetwork]):
    """The settings and inputs of a run.

    Attributes (besides those of SpeechRun):
        lexicon: Pronouncing dictionary; its phones are the labels of the second output.
        phones: The alphabet of these phones.
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

    @property
    def outputs(self) -> str:
        """See SpeechRun."""
        return f"{self.alphabet.num_labels} labels"

    def load_corpus(
        self,
        manifests: Sequence[Manifest],
        cache: Path,
        progress: bool = False,
        weights: Sequence[float] = (),
    ) -> Corpus:
        """See SpeechRun."""
        return load_corpus(
            manifests, self.alphabet, self.settings, cache, progress, self.read_lexicon(),
            weights,
        )  # fmt: skip

    def _outputs(self) -> dict[str, Any]:
        return {
            "alphabet": asdict(self.alphabet),
            "lexicon": str(self.lexicon.resolve()) if self.lexicon else None,
            "phones": asdict(self.phones) if self.phones else None,
        }

    def new_network(self) -> AcousticNetwork:
        """The network with newly initialised weights."""
        settings = self.settings
        return AcousticNetwork(
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
        if values.get("task") == CLASSIFY:
            raise ValueError("it is the run of a classifier (train --task classify)")
        sections, inputs = read_inputs(values)
        alphabet = _alphabet(values["alphabet"])
        phones = _alphabet(values["phones"]) if values["phones"] else None
        lexicon = Path(values["lexicon"]) if values.get("lexicon") else None
    settings = Settings.from_dict(sections, f"{path / 'run.json'}")
    return Run(path, settings, alphabet, lexicon=lexicon, phones=phones, **inputs)


def read_inputs(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The sections of the settings, and the other fields of a SpeechRun, from its run.json."""
    sections = {name: values[name] for name in Settings().to_dict()}
    return sections, {
        "train": tuple(map(Path, values["train"])),
        "valid": tuple(map(Path, values["valid"])),
        "init_from": Path(values["init_from"]) if values.get("init_from") else None,
        "prolonged_at": int(values.get("prolonged_at", 0)),
    }


def _alphabet(values: Mapping[str, Any]) -> Alphabet:
    return Alphabet(tuple(values["symbols"]), values["separator"])
