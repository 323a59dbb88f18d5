"""The trainers of networks of speech: updates, validation, and the metrics of each epoch."""

import math
import time
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from speechlstm.config import TrainConfig
from speechlstm.errors import TrainingError
from speechlstm.training.acoustic.corpus import Corpus
from speechlstm.training.acoustic.dataset import SpeechDataset
from speechlstm.training.acoustic.encoder import Encoder
from speechlstm.training.acoustic.network import AcousticNetwork
from speechlstm.training.acoustic.run import Run, SpeechRun
from speechlstm.training.acoustic.validation import validate
from speechlstm.training.data.prefetch import Batch
from speechlstm.training.engine.distribution import Cluster
from speechlstm.training.engine.events import write_events
from speechlstm.training.engine.loop import EpochLoop, since_best
from speechlstm.training.engine.optimizer import LOSS_SCALE, GuardedAdamW
from speechlstm.training.layers.accelerator import has_gpu
from speechlstm.training.plots import plot_training

MAX_DROPPED = 0.01  # largest fraction of the utterances whose loss may not be finite


class SpeechTrainer(EpochLoop):
    """Trains the network of a run on recordings; subclasses say how it is measured.

    Args:
        run: The run; its folder exists.
        valid: The validation data, on which each epoch is evaluated.
        report: Called with a line of text for each epoch and each warning.
        cluster: The devices that share each batch; the caller is within `Cluster.joined`.
    """

    run: SpeechRun[Any]
    config: TrainConfig
    network: Encoder
    train_data: SpeechDataset

    def __init__(
        self,
        run: SpeechRun[Any],
        train: Corpus,
        valid: Corpus,
        report: Callable[[str], None],
        progress: bool = False,
        cluster: Cluster | None = None,
    ) -> None:
        config, cluster = run.settings.training, cluster or Cluster()
        keras.utils.set_random_seed(config.seed)
        few = keras.backend.backend() == "jax"
        train_data = SpeechDataset(
            train, run.settings, augment=True, cluster=cluster, mixed=not has_gpu(), few_shapes=few
        )
        self.valid_data = SpeechDataset(valid, run.settings, augment=False, few_shapes=few)
        network = run.new_network()
        network.freeze(config.frozen_layers)
        optimizer = GuardedAdamW(
            config.learning_rate,
            weight_decay=config.weight_decay,
            global_clipnorm=config.clip_norm,
            loss_scale_factor=LOSS_SCALE if config.precision == "float16" else None,
        )
        super().__init__(run, config, network, optimizer, train_data, report, progress, cluster)
        self.state.data = " ".join(corpus.examples.digest() for corpus in (train, valid))
        self._known_failures = {*train.cache.failures.values(), *valid.cache.failures.values()}

    @abstractmethod
    def _validate(self) -> dict[str, float]:
        """The metrics of the validation data, valid_loss among them."""

    @abstractmethod
    def _describe(self, metrics: dict[str, Any]) -> str:
        """The figures of the validation data as the line of an epoch shows them."""

    @abstractmethod
    def _plot(self) -> None:
        """Plot the metrics of the run."""

    def resume(self) -> bool:
        """Restore the last checkpoint; see EpochLoop."""
        data = self.state.data
        has_checkpoint = super().resume()
        self.train_data.dropped = set(self.state.dropped)
        if self.state.data not in ("", data):
            self.report(
                "warning: the training or validation data have changed since the last checkpoint; "
                "the run goes on with those of now, and ends otherwise than without the change"
            )
        self.state.data = data
        return has_checkpoint

    def _loss(self) -> str:
        return f"loss={self.state.mean_loss:.2f}"

    def _name_damaged(self) -> None:
        """Report recordings that were found to be damaged when they were needed: see Decoded."""
        caches = (data.corpus.cache for data in (self.train_data, self.valid_data))
        found = {reason for cache in caches for reason in list(cache.failures.values())}
        new = sorted(found - self._known_failures)
        if new and self.cluster.leads:
            self._known_failures.update(new)
            self.run.refuse(new)
            for reason in new:
                self.report(f"warning: {reason}; it is not used, and listed in {self.run.refused}")

    def _train_batch(self, index: int, batch: Batch) -> None:
        """Do one update; utterances whose loss is not finite are dropped, and it is repeated."""
        self._name_damaged()
        loss = self._scaled_update(batch)
        if not math.isfinite(loss):
            self._drop(index)
            loss = self._scaled_update(self.train_data[index])
        num_utterances = len(self.train_data.examples(index))
        if math.isfinite(loss):
            self.state.loss_sum += loss * num_utterances
            self.state.num_utterances += num_utterances

    def _scaled_update(self, batch: Batch) -> float:
        """Do one update; returns the mean loss, NaN if the optimizer skipped the update.

        If only the scale of the loss made the gradient overflow, it is repeated at a lower scale.
        """
        while True:
            skipped, scale = int(self.optimizer.num_skipped), self.optimizer.loss_scale
            loss = self._update(batch)
            if int(self.optimizer.num_skipped) == skipped:
                return loss
            if scale == 1 or not math.isfinite(loss):
                return math.nan

    def _drop(self, index: int) -> None:
        """Drop the utterances of a batch whose loss is not finite, and report their ids.

        Raises:
            TrainingError: More than MAX_DROPPED of all utterances have been dropped.
        """
        data = self.train_data
        inputs, targets = data.whole(index)
        losses = self.network.utterance_losses(self.network.predict_on_batch(inputs), targets)
        finite = np.isfinite(ops.convert_to_numpy(losses))
        finite = finite.reshape(-1, data.num_views).all(axis=1)
        # If all losses are finite, the gradient overflowed: any utterance may be the cause.
        bad = {
            example.id
            for example, ok in zip(data.examples(index), finite, strict=False)
            if not ok or finite.all()
        }
        if names := ", ".join(sorted(bad)):
            self.report(
                f"warning: epoch {self.state.epoch + 1}: the loss of {names} is not finite; "
                "training continues without these utterances"
            )
        data.dropped |= bad
        self.state.dropped = sorted(data.dropped)
        num_examples = len(data.corpus.examples)
        if len(data.dropped) > MAX_DROPPED * num_examples:
            raise TrainingError(
                f"the loss of {len(data.dropped)} of {num_examples} utterances is not finite: "
                "lower training.learning_rate, or check these recordings"
            )

    def _measure(self) -> dict[str, Any]:
        state, data = self.state, self.train_data
        started = time.monotonic()
        valid = self.cluster.agreed(self._validate())
        seconds = max(state.seconds, 1e-9)
        metrics = {
            "loss": state.mean_loss,
            **valid,
            "learning_rate": float(self.optimizer.learning_rate),
            "seconds": state.seconds,
            "valid_seconds": time.monotonic() - started,
            "speed": data.seconds / seconds,
            "padding": data.padding,
            "stall": state.waited / seconds,
            "dropped": len(state.dropped),
        }
        self._reduce_on_plateau(valid["valid_loss"])
        return metrics

    def _publish(self, metrics: dict[str, Any], best: bool) -> None:
        self._name_damaged()
        self._plot()
        scalars = {key: value for key, value in metrics.items() if key != "epoch"}
        write_events(self.run.path / "tensorboard", metrics["epoch"], scalars)
        self.report(
            f"epoch {self.state.epoch}/{self.config.num_epochs}: loss {metrics['loss']:.2f}, "
            f"validation loss {metrics['valid_loss']:.2f}, {self._describe(metrics)}"
            f"{' (best)' if best else ''}; "
            f"{metrics['speed']:.0f} x real time, {metrics['padding']:.1%} padding, "
            f"{metrics['stall']:.1%} waiting for data, "
            f"about {self._minutes_left(metrics):.0f} min left"
        )

    def _stalled(self) -> bool:
        """Whether early_stop epochs have passed since the best epoch and the last prolonging."""
        patience = self.config.early_stop
        ranks = [self.run.rank(line) for line in self.state.history]
        since_prolonged = self.state.epoch - self.run.prolonged_at
        return bool(patience and ranks) and min(since_best(ranks), since_prolonged) >= patience

    def _reduce_on_plateau(self, valid_loss: float) -> None:
        patience = self.config.reduce_on_plateau
        since = since_best([*(line["valid_loss"] for line in self.state.history), valid_loss])
        if patience and since and since % patience == 0:
            self.state.plateau_factor /= 2


class Trainer(SpeechTrainer):
    """Trains an acoustic model; see SpeechTrainer."""

    run: Run
    network: AcousticNetwork

    def _validate(self) -> dict[str, float]:
        result = validate(self.network, self.valid_data, self.run, self._stop_if_asked)
        return {
            "valid_loss": result.loss,
            "valid_wer": result.words.rate,
            "valid_cer": result.characters.rate,
            **({"valid_per": result.phones.rate} if self.run.phones else {}),
        }

    def _describe(self, metrics: dict[str, Any]) -> str:
        rates = {key.removeprefix("valid_").upper(): value for key, value in metrics.items()}
        return ", ".join(f"{key} {rates[key]:.1%}" for key in ("WER", "CER", "PER") if key in rates)

    def _plot(self) -> None:
        plot_training(self.run.metrics, self.run.plot)
