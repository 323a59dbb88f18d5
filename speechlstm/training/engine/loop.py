"""What every training has in common: epochs, schedule, progress, checkpoints."""

import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
from tqdm import tqdm

from speechlstm.config import TrainConfig
from speechlstm.errors import ModelError
from speechlstm.storage import remove_unfinished
from speechlstm.training.data.prefetch import Batches, prefetched
from speechlstm.training.engine.checkpoint import INITIAL, load_checkpoint, save_checkpoint
from speechlstm.training.engine.distribution import Cluster
from speechlstm.training.engine.optimizer import GuardedAdamW
from speechlstm.training.lm.network import LanguageModelTraining

CHECKPOINT = "checkpoint.npz"


@dataclass
class Progress:
    """What a resumed run needs beside weights and optimizer.

    Attributes:
        epoch: The epoch under way, counted from 0: as many have ended.
        step: Batches of it that are done.
        loss_sum: Sum of their utterances' losses (for a language model: of their words').
        num_utterances: How many those are.
        seconds: Time spent on them.
        waited: The part of it in which no batch was ready.
        plateau_factor: By what the plateau rule has lowered the learning rate.
        dropped: Utterances whose loss was not finite.
        history: A line an epoch, as in metrics.jsonl.
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


class EpochLoop(ABC):
    """Trains for some epochs, and can be stopped and resumed.

    Args:
        path: The run's folder.
        schedule: How long, how fast.
        model: What is trained, compiled with the optimizer.
        optimizer: Its optimizer.
        data: The batches of an epoch.
        progress: Whether to show a progress bar on stderr.
        cluster: Who shares each batch.
    """

    def __init__(
        self,
        path: Path,
        schedule: TrainConfig | LanguageModelTraining,
        model: keras.Model,
        optimizer: GuardedAdamW,
        data: Batches,
        progress: bool,
        cluster: Cluster,
    ) -> None:
        self._checkpoint, self._schedule, self._batches = path / CHECKPOINT, schedule, data
        self._trained, self._optimizer = model, optimizer
        self.progress, self.cluster = progress, cluster
        self.state = Progress()

    @abstractmethod
    def _train_batch(self, index: int, batch: tuple[dict[str, Any], dict[str, Any]]) -> None:
        """One update."""

    @abstractmethod
    def _end_epoch(self) -> None:
        """Measure, publish, save."""

    @abstractmethod
    def _loss(self) -> str:
        """The loss of the epoch so far, for the progress bar."""

    def _stalled(self) -> bool:
        """Whether to stop before the last epoch."""
        return False

    def _restore(self) -> bool:
        """Go back to the last checkpoint; False: there is none, initial weights are read if any.

        Raises:
            ModelError: The checkpoint is damaged, of another model or of another version.
        """
        path = self._checkpoint
        if self.cluster.leads:
            remove_unfinished(path.parent)
        if not path.exists():
            initial = path.with_name(INITIAL)
            if initial.exists():
                load_checkpoint(initial, {"model": self._trained.variables})
            return False
        state = load_checkpoint(path, self._variables())
        try:
            self.state = Progress(**state)
        except TypeError as error:
            raise ModelError(
                f"{path}: written by another version of speechlstm: {error}; "
                f"go on with that version, or start anew: --init-from {path.parent}"
            ) from None
        return True

    def train(self) -> list[dict[str, Any]]:
        """Train to the end; returns the history.

        Raises:
            TrainingError: The loss is not finite, too often.
            KeyboardInterrupt: Ctrl-C; the run can be resumed.
        """
        with _deferred_interrupt() as interrupted:
            while self.state.epoch < self._schedule.num_epochs and not self._stalled():
                self._batches.start_epoch(self.state.epoch)
                self._train_epoch(interrupted)
                self._end_epoch()
        return self.state.history

    def _train_epoch(self, interrupted: Callable[[], bool]) -> None:
        state, data = self.state, self._batches
        saved = time.monotonic()
        with tqdm(
            total=len(data), initial=state.step, disable=not self.progress, leave=False,
            desc=f"epoch {state.epoch + 1}/{self._schedule.num_epochs}", unit=" batches",
        ) as bar:  # fmt: skip
            for index, batch, waited in prefetched(data, state.step):
                started = time.monotonic()
                self._train_batch(index, batch)
                state.step = index + 1
                state.seconds += waited + time.monotonic() - started
                state.waited += waited
                bar.set_postfix_str(self._loss())
                bar.update()
                minutes = (time.monotonic() - saved) / 60
                stop = self.cluster.any(interrupted())
                if stop or minutes >= self._schedule.checkpoint_minutes:
                    self._save()
                    saved = time.monotonic()
                if stop:
                    raise KeyboardInterrupt

    def _seed_backend(self) -> None:
        """Torch's dropout draws from a generator that no checkpoint holds: seed it each step."""
        if keras.backend.backend() == "torch":
            import torch

            torch.manual_seed((self._schedule.seed << 32) + int(self._optimizer.iterations))

    def _learning_rate(self) -> float:
        """Linear warm-up, flat, linear decay to 0 at the end; times the plateau's factor."""
        schedule, state = self._schedule, self.state
        warm = min(1.0, (int(self._optimizer.iterations) + 1) / max(1, schedule.warmup_steps))
        done = (state.epoch + state.step / len(self._batches)) / schedule.num_epochs
        decayed = 1.0 if done <= schedule.decay else (1 - done) / (1 - schedule.decay)
        return schedule.learning_rate * warm * decayed * state.plateau_factor

    def _next_epoch(self) -> None:
        state = self.state
        state.epoch, state.step = state.epoch + 1, 0
        state.loss_sum, state.num_utterances, state.seconds, state.waited = 0.0, 0, 0.0, 0.0

    def _variables(self) -> dict[str, list[Any]]:
        return {"model": self._trained.variables, "optimizer": self._optimizer.variables}

    def _save(self) -> None:
        if self.cluster.leads:
            save_checkpoint(self._checkpoint, self._variables(), asdict(self.state))


def since_best(values: Sequence[Any]) -> int:
    """How many values follow the first of the lowest."""
    return len(values) - 1 - values.index(min(values))


@contextmanager
def _deferred_interrupt() -> Iterator[Callable[[], bool]]:
    """Turn Ctrl-C into a question for the loop to ask where it is safe; a second acts at once."""
    pressed = False

    def remember(*_: Any) -> None:
        nonlocal pressed
        pressed = True
        signal.signal(signal.SIGINT, previous)

    previous = signal.signal(signal.SIGINT, remember)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, previous)
