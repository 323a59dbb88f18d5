"""A run of a language model: the folder that its training fills and that can be resumed.

run.json         settings, the alphabet of its words
vocabulary.txt   its words, one a line, in the order of their ids
train.npy        the text to learn from, as ids
valid.npy        the text to measure on
initial.npz      weights to start from; only with --init-from
checkpoint.npz   weights, optimizer and progress, to resume from
best.npz         weights of the epoch with the lowest validation perplexity
metrics.jsonl    a line an epoch
training.png     perplexity by epoch
"""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speechlstm import __version__
from speechlstm.errors import ConfigError, ModelError
from speechlstm.lm.text import Text
from speechlstm.storage import parse_json, read_regular_file, write_atomically
from speechlstm.training.engine.checkpoint import INITIAL, load_checkpoint, save_checkpoint
from speechlstm.training.lm.network import (
    LanguageModelConfig,
    LanguageModelNetwork,
    LanguageModelTraining,
)

_RUN, _VOCABULARY = "run.json", "vocabulary.txt"


@dataclass(frozen=True)
class LanguageModelRun:
    """What a run was made from.

    Attributes:
        path: Its folder.
        model: The network.
        training: How it is trained.
        words: Word of each id: <unk>, <s>, </s>, then the others.
        alphabet_sha256: Of the alphabet that they are spelled in; None: of no certain one.
    """

    path: Path
    model: LanguageModelConfig
    training: LanguageModelTraining
    words: tuple[str, ...]
    alphabet_sha256: str | None = None

    @property
    def initial(self) -> Path:
        """The weights that training starts from, if they are not fresh ones."""
        return self.path / INITIAL

    @property
    def best(self) -> Path:
        """The weights to export."""
        return self.path / "best.npz"

    def create(self, train: Text, valid: Text, initial: LanguageModelNetwork | None = None) -> None:
        """Make the folder.

        Args:
            train: What to learn from, in the run's words.
            valid: What to measure on, in the same words.
            initial: A network of the run's shape and words, from whose weights training starts.

        Raises:
            ConfigError: It holds a run already.
        """
        if (self.path / _RUN).exists():
            raise ConfigError(f"{self.path}: holds a run; resume it with --resume or name another")
        self.path.mkdir(parents=True, exist_ok=True)
        self.initial.unlink(missing_ok=True)
        if initial:
            save_checkpoint(self.initial, {"model": initial.variables})
        write_atomically(self.path / _VOCABULARY, "".join(f"{word}\n" for word in self.words))
        for name, text in (("train", train), ("valid", valid)):
            array = io.BytesIO()
            np.save(array, text.tokens, allow_pickle=False)
            write_atomically(self.path / f"{name}.npy", array.getvalue())
        description = {
            "version": __version__,
            self.model.section: self.model.to_dict(),
            self.training.section: self.training.to_dict(),
            "alphabet_sha256": self.alphabet_sha256,
        }
        write_atomically(self.path / _RUN, json.dumps(description, indent=2) + "\n")  # at last

    def tokens(self, name: str) -> NDArray[np.int32]:
        """The text "train" or "valid" as ids, mapped into memory.

        Raises:
            ModelError: It is missing or damaged.
        """
        path = self.path / f"{name}.npy"
        try:
            tokens: NDArray[np.int32] = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise ModelError(f"{path}: cannot be read: {error}") from None
        return tokens

    def new_network(self) -> LanguageModelNetwork:
        """The network with fresh weights."""
        return LanguageModelNetwork(len(self.words), self.model, self.training.precision)

    def best_network(self) -> LanguageModelNetwork:
        """The network with the weights of the best epoch.

        Raises:
            ModelError: No epoch has ended yet, or the weights are damaged.
        """
        network = self.new_network()
        load_checkpoint(self.best, {"model": network.variables})
        return network

    def summary(self) -> dict[str, Any]:
        """The best epoch's line of metrics.jsonl.

        Raises:
            ModelError: No epoch has ended yet, or the file is damaged.
        """
        path = self.path / "metrics.jsonl"
        try:
            lines = [parse_json(line) for line in path.read_text(encoding="utf-8").splitlines()]
            best: dict[str, Any] = min(lines, key=lambda line: line["valid_perplexity"])
        except OSError:
            raise ModelError(f"{path}: missing: no epoch has ended yet") from None
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{path}: damaged: {error}") from None
        return best


def load_language_model_run(path: Path) -> LanguageModelRun:
    """The run that a folder holds.

    Raises:
        ModelError: The folder holds none, or its description is damaged.
        ConfigError: Its settings are not ones this version knows.
    """
    try:
        values = parse_json(read_regular_file(path / _RUN))
        words = (path / _VOCABULARY).read_text(encoding="utf-8").split("\n")[:-1]
        model, training = (values[c.section] for c in (LanguageModelConfig, LanguageModelTraining))
        sha256 = values["alphabet_sha256"]
    except OSError as error:
        raise ModelError(f"{path}: holds no language model's run: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path / _RUN}: is no language model's run: {error}") from None
    return LanguageModelRun(
        path,
        LanguageModelConfig.from_dict(model),
        LanguageModelTraining.from_dict(training),
        tuple(words),
        sha256,
    )
