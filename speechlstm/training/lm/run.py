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
lock             held by the process that trains
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speechlstm import __version__
from speechlstm.errors import ModelError
from speechlstm.lm.text import Text
from speechlstm.storage import read_regular_file, refuse_pipes, write_atomically
from speechlstm.training.engine.checkpoint import save_checkpoint
from speechlstm.training.engine.run_folder import NetworkRun, read_description
from speechlstm.training.lm.network import (
    LanguageModelConfig,
    LanguageModelNetwork,
    LanguageModelTraining,
)

_VOCABULARY = "vocabulary.txt"


@dataclass(frozen=True)
class LanguageModelRun(NetworkRun[LanguageModelNetwork]):
    """What a run was made from.

    Attributes:
        path: Its folder.
        model: The network.
        training: How it is trained.
        words: Word of each id: <unk>, <s>, </s>, then the others.
        alphabet_sha256: Of the alphabet that they are spelled in; None: of no certain one.
    """

    model: LanguageModelConfig
    training: LanguageModelTraining
    words: tuple[str, ...]
    alphabet_sha256: str | None = None

    def create(self, train: Text, valid: Text, initial: LanguageModelNetwork | None = None) -> None:
        """Make the folder.

        Args:
            train: What to learn from, in the run's words.
            valid: What to measure on, in the same words.
            initial: A network of the run's shape and words, from whose weights training starts.

        Raises:
            ConfigError: It holds a run already.
        """
        self.clear()
        if initial:
            save_checkpoint(self.initial, {"model": initial.variables})
        write_atomically(self.path / _VOCABULARY, "".join(f"{word}\n" for word in self.words))
        for name, text in (("train", train), ("valid", valid)):
            array = io.BytesIO()
            np.save(array, text.tokens, allow_pickle=False)
            write_atomically(self.path / f"{name}.npy", array.getvalue())
        self._describe()  # at last

    def prolonged(self, num_epochs: int) -> "LanguageModelRun":
        """The same run with another number of epochs, written to its folder.

        Raises:
            ConfigError: More have ended already.
            ModelError: Its metrics are damaged.
        """
        self.check_prolonging(num_epochs)
        if num_epochs == self.training.num_epochs:
            return self
        run = replace(self, training=replace(self.training, num_epochs=num_epochs))
        run._describe()
        return run

    def _describe(self) -> None:
        self.write_description(
            {
                "version": __version__,
                self.model.section: self.model.to_dict(),
                self.training.section: self.training.to_dict(),
                "alphabet_sha256": self.alphabet_sha256,
            }
        )

    def tokens(self, name: str) -> NDArray[np.int32]:
        """The text "train" or "valid" as ids, mapped into memory.

        Raises:
            ModelError: It is missing or damaged.
        """
        path = self.path / f"{name}.npy"
        try:
            refuse_pipes(path)
            tokens: NDArray[np.int32] = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise ModelError(f"{path}: cannot be read: {error}") from None
        return tokens

    def new_network(self) -> LanguageModelNetwork:
        """The network with fresh weights."""
        return LanguageModelNetwork(len(self.words), self.model, self.training.precision)

    def rank(self, metrics: Mapping[str, Any]) -> float:
        """The validation perplexity."""
        perplexity: float = metrics["valid_perplexity"]
        return perplexity


def load_language_model_run(path: Path) -> LanguageModelRun:
    """The run that a folder holds.

    Raises:
        ModelError: The folder holds none, or its description is damaged.
        ConfigError: Its settings are not ones this version knows.
    """
    with read_description(path, "a language model") as values:
        words = read_regular_file(path / _VOCABULARY).decode().split("\n")[:-1]
        model, training = (values[c.section] for c in (LanguageModelConfig, LanguageModelTraining))
        sha256 = values["alphabet_sha256"]
    return LanguageModelRun(
        path,
        LanguageModelConfig.from_dict(model),
        LanguageModelTraining.from_dict(training),
        tuple(words),
        sha256,
    )
