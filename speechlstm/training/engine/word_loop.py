"""The training loop of networks that read text, whose loss is a mean over words."""

import math
from collections.abc import Callable
from typing import Any, ClassVar, Protocol

from speechlstm.config import Schedule
from speechlstm.errors import TrainingError
from speechlstm.training.data.prefetch import Batch, Batches
from speechlstm.training.engine.distribution import Cluster
from speechlstm.training.engine.loop import EpochLoop
from speechlstm.training.engine.network import Network
from speechlstm.training.engine.optimizer import GuardedAdamW
from speechlstm.training.engine.run_folder import NetworkRun


class WordBatches(Batches, Protocol):
    """The batches of an epoch, of known numbers of words."""

    def size(self, index: int) -> int:
        """The number of words of a batch."""


class WordLoop(EpochLoop):
    """Trains a network on batches of words, on one device, with Adam without weight decay.

    Args:
        run: See EpochLoop, as for the others.
        config: Number of epochs, learning rate, largest norm of the gradient, seed.
        network: The network to train.
        train_data: The batches of an epoch.
        report: Called with a line of text for each epoch.
        progress: Whether to show a progress bar on stderr.

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
