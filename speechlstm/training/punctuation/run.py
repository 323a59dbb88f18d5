"""The run of the network for punctuation: the folder that training writes, to be resumed.

run.json         settings, words in mixed case
train.npz        the training text as arrays, and the counts of pauses at its marks
valid.npz        the validation text
checkpoint.npz   weights, optimizer and progress, to resume from
best.npz         weights of the epoch with the lowest validation loss
metrics.jsonl    a line an epoch
lock             locked by the process that trains
"""

import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speechlstm import __version__
from speechlstm.errors import ModelError
from speechlstm.storage import read_regular_file, write_atomically
from speechlstm.training.data.sample_files import DAMAGE
from speechlstm.training.engine.checkpoint import refuse_sizes_that_differ
from speechlstm.training.engine.run_folder import NetworkRun, read_description
from speechlstm.training.punctuation.network import (
    PunctuationConfig,
    PunctuationNetwork,
    PunctuationTraining,
)
from speechlstm.training.punctuation.text import PunctuatedText

_MIXED_CASE = "mixed_case"
_MAX_BYTES = 1 << 34


@dataclass(frozen=True)
class PunctuationRun(NetworkRun[PunctuationNetwork]):
    """The settings of a run.

    Attributes:
        mixed_case: The spellings of words that are mostly written in mixed case.
    """

    model: PunctuationConfig
    training: PunctuationTraining
    mixed_case: Mapping[str, str]

    def create(
        self, train: PunctuatedText, valid: PunctuatedText, pauses: NDArray[np.int64]
    ) -> None:
        """Create the folder of the run.

        Args:
            pauses: (num_marks, NUM_PAUSES); see count_pauses.

        Raises:
            ConfigError: The folder holds a run already.
        """
        self.clear()
        for name, text in (("train", train), ("valid", valid)):
            arrays = io.BytesIO()
            np.savez(arrays, allow_pickle=False, pauses=pauses, **asdict(text))
            write_atomically(self.path / f"{name}.npz", arrays.getvalue())
        self.write_description(
            {
                "version": __version__,
                self.model.section: self.model.to_dict(),
                self.training.section: self.training.to_dict(),
                _MIXED_CASE: dict(self.mixed_case),
            }
        )

    def text(self, name: str) -> tuple[PunctuatedText, NDArray[np.int64]]:
        """The text "train" or "valid", and the counts of pauses.

        Raises:
            ModelError: The file is missing or damaged.
        """
        path = self.path / f"{name}.npz"
        try:
            content = io.BytesIO(read_regular_file(path, _MAX_BYTES))
            refuse_sizes_that_differ(content)
            content.seek(0)
            with np.load(content, allow_pickle=False) as file:
                arrays = dict(file)
            pauses: NDArray[np.int64] = arrays.pop("pauses")
            return PunctuatedText(**arrays), pauses
        except (OSError, *DAMAGE) as error:
            raise ModelError(f"{path}: cannot be read: {error}") from None

    def new_network(self) -> PunctuationNetwork:
        """The network with newly initialised weights."""
        return PunctuationNetwork(self.model)

    def rank(self, metrics: Mapping[str, Any]) -> float:
        """The validation loss."""
        loss: float = metrics["valid_loss"]
        return loss


def load_punctuation_run(path: Path) -> PunctuationRun:
    """Load the run in a folder.

    Raises:
        ModelError: The folder holds no run of a punctuation network, or its run.json is damaged.
        ConfigError: The run has settings that this version does not know.
    """
    with read_description(path, "a punctuation network") as values:
        model, training = (values[c.section] for c in (PunctuationConfig, PunctuationTraining))
        mixed_case = dict(values[_MIXED_CASE])
    return PunctuationRun(
        path,
        PunctuationConfig.from_dict(model),
        PunctuationTraining.from_dict(training),
        mixed_case,
    )
