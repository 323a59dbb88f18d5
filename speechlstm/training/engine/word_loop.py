"""The training loop of networks that read text, whose loss is a mean over words."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from speechlstm.config import Config, Schedule
from speechlstm.errors import TrainingError
from speechlstm.training.data.prefetch import Batch
from speechlstm.training.engine.distribution import Cluster
from speechlstm.training.engine.lock import locked
from speechlstm.training.engine.loop import EpochLoop
from speechlstm.training.engine.network import Network
from speechlstm.training.engine.optimizer import GuardedAdamW
from speechlstm.training.engine.run_folder import NetworkRun

R = TypeVar("R", bound=NetworkRun[Any])


@dataclass(frozen=True)
class WordNetworkConfig(Config):
    """Embeddings of words, and recurrent layers above them.

    Attributes:
        width: Of the embeddings.
        num_units: Units of each layer and direction.
        dropout: Fraction, in [0, 1), of the inputs of each layer, and of the outputs of the last
            one, that is dropped in training.
    """

    width: int = 192
    num_layers: int = 1
    num_units: int = 512
    dropout: float = 0.1

    def _check(self) -> None:
        self._at_least(1, "width", "num_layers", "num_units")
        self._share("dropout")


class WordBatches(ABC):
    """Batches of sequences of words, which `start_epoch` draws."""

    _lengths: NDArray[np.int64]  # of the sequences of an epoch
    _batches: list[NDArray[np.int64]]  # of indices of sequences

    @abstractmethod
    def start_epoch(self, epoch: int) -> None:
        """Draw the batches of an epoch; epochs are counted from 0."""

    @abstractmethod
    def __getitem__(self, index: int) -> Batch:
        """The inputs and targets of a batch."""

    @property
    def num_words(self) -> int:
        """The number of words of an epoch."""
        return int(self._lengths.sum())

    def __len__(self) -> int:
        """The number of batches of an epoch."""
        return len(self._batches)

    def size(self, index: int) -> int:
        """The number of words of a batch."""
        return int(self._lengths[self._batches[index]].sum())


class WordLoop(EpochLoop):
    """Trains a network on batches of words, on one device, with Adam without weight decay.

    Args:
        run: See EpochLoop, as for the others.
        config: Number of epochs, learning rate, largest norm of the gradient, seed.
        report: Called with a line of text for each epoch.

    Attributes:
        hint: What to do when the loss is not finite, for the error message.
    """

    hint: ClassVar[str] = "train with a lower learning rate"
    train_data: WordBatches

    def __init__(
        self,
        run: NetworkRun[Any],
        config: Schedule,
        network: Network,
        train_data: WordBatches,
        report: Callable[[str], None],
        progress: bool,
    ) -> None:
        optimizer = GuardedAdamW(
            config.learning_rate, weight_decay=0.0, global_clipnorm=config.clip_norm
        )
        super().__init__(run, config, network, optimizer, train_data, report, progress, Cluster())

    def _train_batch(self, index: int, batch: Batch) -> None:
        loss = self._update(batch)
        if not math.isfinite(loss):
            raise TrainingError(f"{self.run.path}: the loss is not finite; {self.hint}")
        num_words = self.train_data.size(index)
        self.state.loss_sum += loss * num_words
        self.state.num_utterances += num_words

    def described_data(self) -> str:
        """The training data in a few words."""
        return f"{self.train_data.num_words:,} training words"

    def _speed(self) -> dict[str, float]:
        """The metrics of an epoch that say how fast it was."""
        state = self.state
        return {
            "learning_rate": float(self.optimizer.learning_rate),
            "seconds": state.seconds,
            "words_per_second": state.num_utterances / max(state.seconds, 1e-9),
        }

    def _described_speed(self, metrics: dict[str, Any]) -> str:
        return (
            f"{metrics['words_per_second']:.0f} words a second, "
            f"about {self._minutes_left(metrics):.0f} min left"
        )


def train_on_words(
    trainer: Callable[[R, Callable[[str], None], bool], WordLoop],
    run: R,
    report: Callable[[str], None],
    progress: bool = False,
) -> None:
    """Train a run from its last checkpoint; without one, from the start.

    Args:
        trainer: What trains such a run.

    Raises:
        ModelError: The run is damaged.
        TrainingError: The loss is not finite, or another process trains the run.
        KeyboardInterrupt: Ctrl-C was pressed; the run can be resumed.
        SystemExit: SIGTERM or SIGHUP was received; the run can be resumed.
    """
    with locked(run.path):
        training = trainer(run, report, progress)
        training.resume()
        report(
            f"{training.described_data()}, {training.network.count_params():,} weights; "
            f"recurrent layers: {training.network.recurrent[0].engine}"
        )
        training.train()
