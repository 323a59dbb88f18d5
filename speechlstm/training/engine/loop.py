"""The training loop of every network: epochs, progress, checkpoints, stopping and resuming."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import keras
from tqdm import tqdm

from speechlstm.config import Schedule
from speechlstm.errors import ModelError
from speechlstm.interruption import Interruption, stop
from speechlstm.storage import remove_unfinished
from speechlstm.training.data.prefetch import Batch, Batches, prefetched
from speechlstm.training.engine.checkpoint import load_checkpoint, save_checkpoint
from speechlstm.training.engine.devices import on_gpu
from speechlstm.training.engine.distribution import Cluster
from speechlstm.training.engine.network import Network
from speechlstm.training.engine.optimizer import GuardedAdamW, learning_rate
from speechlstm.training.engine.run_folder import NetworkRun


@dataclass
class TrainingState:
    """The state of a run that a checkpoint holds besides weights and optimizer.

    Attributes:
        epoch: The current epoch, counted from 0; equals the number of epochs that have ended.
        step: Number of batches of this epoch that are done.
        loss_sum: Sum of the losses of their utterances (in a language model, of their words).
        num_utterances: Number of these utterances (in a language model, of words).
        seconds: Seconds spent on these batches.
        waited: Seconds of these in which no batch was ready.
        plateau_factor: Factor by which reduce_on_plateau has lowered the learning rate.
        dropped: Ids of utterances that were removed because their loss was not finite.
        history: The metrics of each epoch, as in metrics.jsonl.
        data: A checksum of the training and the validation data; empty: not known.
    """

    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    num_utterances: int = 0
    seconds: float = 0.0
    waited: float = 0.0
    plateau_factor: float = 1.0
    dropped: list[str] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    data: str = ""

    @property
    def mean_loss(self) -> float:
        """The mean loss of the batches of this epoch that are done; 0 before the first one."""
        return self.loss_sum / max(1, self.num_utterances)


class EpochLoop(ABC):
    """Trains a network for a number of epochs; can be stopped and resumed.

    Args:
        run: The run; its folder exists.
        config: Number of epochs, learning rate, seed.
        report: Called with a line of text for each epoch and each warning.
    """

    def __init__(
        self,
        run: NetworkRun[Any],
        config: Schedule,
        network: Network,
        optimizer: GuardedAdamW,
        train_data: Batches,
        report: Callable[[str], None],
        progress: bool,
        cluster: Cluster,
    ) -> None:
        self.run, self.config, self.train_data = run, config, train_data
        self.network, self.optimizer = network, optimizer
        self.report, self.progress, self.cluster = report, progress, cluster
        self.state = TrainingState()
        self._interruption = Interruption()
        optimizer.build(network.trainable_variables)
        network.compile(optimizer, jit_compile=keras.backend.backend() == "jax")

    @abstractmethod
    def _train_batch(self, index: int, batch: Batch) -> None:
        """Do one update and add its loss to the state."""

    @abstractmethod
    def _measure(self) -> dict[str, Any]:
        """The metrics of the epoch that has ended, without its number."""

    @abstractmethod
    def _publish(self, metrics: dict[str, Any], best: bool) -> None:
        """Plot the metrics, and report those of the epoch that has ended."""

    @abstractmethod
    def _loss(self) -> str:
        """The mean loss of the epoch so far, as the progress bar shows it."""

    def _stalled(self) -> bool:
        """Whether to stop early, before the last epoch."""
        return False

    def resume(self) -> bool:
        """Restore the last checkpoint; without one, the initial weights of --init-from, if any.

        Returns:
            Whether there is a checkpoint.

        Raises:
            ModelError: The checkpoint is damaged or lost, or of another network or version.
        """
        run = self.run
        if self.cluster.leads:
            remove_unfinished(run.path)
        if not run.checkpoint.exists():
            run.refuse_lost_weights()
            if run.initial.exists():
                load_checkpoint(run.initial, {"model": self.network.variables})
            return False
        state = load_checkpoint(run.checkpoint, self._variables())
        try:
            self.state = TrainingState(**state)
        except TypeError:
            known = TrainingState.__dataclass_fields__
            unknown = ", ".join(repr(key) for key in dict(state or {}) if key not in known)
            raise ModelError(
                f"{run.checkpoint}: written by another version of speechlstm: its state has "
                f"{f'the unknown keys {unknown}' if unknown else 'another form'}; resume with that "
                f"version, or start a new run with --init-from {run.path}"
            ) from None
        if self.cluster.leads and run.restore_metrics(self.state.history):
            self.report(f"{run.metrics}: missing or damaged; written again from {run.checkpoint}")
        return True

    def train(self) -> list[dict[str, Any]]:
        """Train until the last epoch.

        Returns:
            The metrics of each epoch.

        Raises:
            TrainingError: Too many losses are not finite.
            KeyboardInterrupt: Ctrl-C was pressed; the run can be resumed.
            SystemExit: SIGTERM or SIGHUP was received; the run can be resumed.
        """
        start, num_epochs = self.state.epoch, self.config.num_epochs
        self.cluster.start_alike(self.network.variables)
        with Interruption() as self._interruption:
            while self.state.epoch < num_epochs and not self._stalled():
                self.train_data.start_epoch(self.state.epoch)
                self._train_epoch()
                self._end_epoch()
        if self.state.epoch < num_epochs:
            self.report(
                f"stopped early after epoch {self.state.epoch} of {num_epochs}: the last epochs "
                "were no better; to train on, use --resume with another number of --epochs"
            )
        elif start == num_epochs:
            self.report(
                f"all {num_epochs} epochs have ended; to train on, use --resume with more --epochs"
            )
        return self.state.history

    def _train_epoch(self) -> None:
        state, data = self.state, self.train_data
        saved = time.monotonic()
        with tqdm(
            total=len(data), initial=state.step, disable=not self.progress, leave=False,
            desc=f"epoch {state.epoch + 1}/{self.config.num_epochs}", unit=" batches",
        ) as bar:  # fmt: skip
            for index, batch, waited in prefetched(data, state.step, on_gpu):
                started = time.monotonic()
                self._train_batch(index, batch)
                state.step = index + 1
                state.seconds += waited + time.monotonic() - started
                state.waited += waited
                bar.set_postfix_str(self._loss())
                bar.update()
                self._stop_if_asked()
                if (time.monotonic() - saved) / 60 >= self.config.checkpoint_minutes:
                    self._save()
                    saved = time.monotonic()

    def _stop_if_asked(self) -> None:
        """Save a checkpoint and end, between two batches, after a signal."""
        if self.cluster.any(bool(self._interruption.number)):
            self._save()
            stop(self._interruption.number)

    def _end_epoch(self) -> None:
        state = self.state
        metrics = {"epoch": state.epoch + 1, **self._measure()}
        state.history.append(metrics)
        best = since_best([self.run.rank(line) for line in state.history]) == 0
        state.epoch, state.step = state.epoch + 1, 0
        state.loss_sum, state.num_utterances, state.seconds, state.waited = 0.0, 0, 0.0, 0.0
        if self.cluster.leads:
            if best:
                save_checkpoint(self.run.best, {"model": self.network.variables}, metrics)
            self.run.write_metrics(state.history)
            self._publish(metrics, best)
        self._save()  # last: a run that is killed before this repeats the end of the epoch

    def _minutes_left(self, metrics: dict[str, Any]) -> float:
        seconds: float = metrics["seconds"] + metrics.get("valid_seconds", 0.0)
        return (self.config.num_epochs - self.state.epoch) * seconds / 60

    def _update(self, batch: Batch) -> float:
        """Do one update at the current learning rate; returns the loss of the batch."""
        num_updates = int(self.optimizer.iterations)
        if keras.backend.backend() == "torch":
            # torch's dropout draws from a global generator, which no checkpoint holds.
            import torch

            number = num_updates * self.cluster.num_processes + self.cluster.process_id
            torch.manual_seed((self.config.seed << 32) + number)
        self.optimizer.learning_rate = self._learning_rate()
        return self.cluster.total(self.network.train_on_batch(*batch))

    def _learning_rate(self) -> float:
        state = self.state
        progress = (state.epoch + state.step / len(self.train_data)) / self.config.num_epochs
        rate = learning_rate(self.config, int(self.optimizer.iterations), progress)
        return rate * state.plateau_factor

    def _variables(self) -> dict[str, list[Any]]:
        return {"model": self.network.variables, "optimizer": self.optimizer.variables}

    def _save(self) -> None:
        if self.cluster.leads:
            save_checkpoint(self.run.checkpoint, self._variables(), asdict(self.state))


def since_best(values: Sequence[Any]) -> int:
    """The number of values after the first occurrence of the lowest.

    >>> since_best([0.5, 0.3, 0.4, 0.3])
    2
    """
    return len(values) - 1 - values.index(min(values))
