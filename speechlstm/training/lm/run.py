"""The run of a language model: the folder that training writes, to be resumed or exported.

run.json         settings, and the alphabet of the words
vocabulary.txt   the words, one per line, in the order of their ids
train.npy        the training text, as ids
valid.npy        the validation text, as ids
initial.npz      initial weights; only with --init-from
checkpoint.npz   weights, optimizer and progress, to resume from
best.npz         weights of the epoch with the lowest validation perplexity
metrics.jsonl    the metrics, a line for each epoch
training.png     perplexity by epoch
lock             locked by the process that trains
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speechlstm import __version__
from speechlstm.errors import ModelError
from speechlstm.lm.text import Text
from speechlstm.storage import read_regular_file, write_atomically
from speechlstm.training.data.sample_files import mapped_array, write_array
from speechlstm.training.engine.checkpoint import save_checkpoint
from speechlstm.training.engine.run_folder import NetworkRun, read_description
from speechlstm.training.lm.network import (
    LanguageModelConfig,
    LanguageModelNetwork,
    LanguageModelTraining,
)

_VOCABULARY = "vocabulary.txt"
_WORDS_CHECKSUM = "vocabulary_crc32"


@dataclass(frozen=True)
class LanguageModelRun(NetworkRun[LanguageModelNetwork]):
    """The settings and the vocabulary of a run.

    Attributes:
        words: The word of each id: <unk>, <s>, </s>, then the others.
        alphabet_sha256: SHA-256 of the alphabet in which the words are spelled; None if no bundle
            was named.
    """

    model: LanguageModelConfig
    training: LanguageModelTraining
    words: tuple[str, ...]
    alphabet_sha256: str | None = None

    def create(self, train: Text, valid: Text, initial: LanguageModelNetwork | None = None) -> None:
        """Create the folder of the run.

        Args:
            initial: A network of the same shape and vocabulary, whose weights training starts from.

        Raises:
            ConfigError: The folder holds a run already.
        """
        self.clear()
        if initial:
            save_checkpoint(self.initial, {"model": initial.variables})
        write_atomically(self.path / _VOCABULARY, "".join(f"{word}\n" for word in self.words))
        for name, text in (("train", train), ("valid", valid)):
            write_array(self.path / f"{name}.npy", text.tokens)
        self._describe()  # last: without it, the folder holds no run

    def prolonged(self, num_epochs: int) -> "LanguageModelRun":
        """Change the number of epochs, also in the folder; returns the changed run.

        Raises:
            ConfigError: More epochs have ended already.
            ModelError: The metrics are damaged.
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
                _WORDS_CHECKSUM: _checksum(self.words),
            }
        )

    def tokens(self, name: str) -> NDArray[np.int32]:
        """The text "train" or "valid" as a memory map of ids, (num_tokens,) int32.

        Raises:
            ModelError: The file is missing or damaged.
        """
        return mapped_array(self.path / f"{name}.npy")

    def new_network(self) -> LanguageModelNetwork:
        """The network with newly initialised weights."""
        return LanguageModelNetwork(len(self.words), self.model, self.training.precision)

    def rank(self, metrics: Mapping[str, Any]) -> float:
        """The validation perplexity."""
        perplexity: float = metrics["valid_perplexity"]
        return perplexity


def load_language_model_run(path: Path) -> LanguageModelRun:
    """Load the run in a folder.

    Raises:
        ModelError: The folder holds no run of a language model, or its run.json is damaged.
        ConfigError: The run has settings that this version does not know.
    """
    with read_description(path, "a language model") as values:
        words = _read_words(path / _VOCABULARY, values.get(_WORDS_CHECKSUM))
        model, training = (values[c.section] for c in (LanguageModelConfig, LanguageModelTraining))
        sha256 = values["alphabet_sha256"]
    return LanguageModelRun(
        path,
        LanguageModelConfig.from_dict(model),
        LanguageModelTraining.from_dict(training),
        words,
        sha256,
    )


def _read_words(path: Path, checksum: object) -> tuple[str, ...]:
    """The words in a file, unless they are not those whose checksum is known."""
    content = read_regular_file(path).decode(errors="replace")
    words = tuple(content.split("\n")[:-1])
    if checksum not in (None, _checksum(words)):
        raise ModelError(f"{path}: damaged: its checksum differs; restore it or train again")
    return words


def _checksum(words: Sequence[str]) -> str:
    return f"{zlib.crc32(chr(10).join(words).encode()):08x}"
