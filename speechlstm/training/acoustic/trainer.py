"""The training of an acoustic model: updates, validation, what each epoch leaves behind."""

import json
import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from speechlstm.config import TrainConfig
from speechlstm.errors import TrainingError
from speechlstm.storage import write_atomically
from speechlstm.training.acoustic.run import Run, rank
from speechlstm.training.acoustic.validation import validate
from speechlstm.training.data.dataset import Corpus, SpeechDataset
from speechlstm.training.engine.checkpoint import save_checkpoint
from speechlstm.training.engine.distribution import Cluster
from speechlstm.training.engine.events import EventWriter
from speechlstm.training.engine.loop import EpochLoop, since_best
from speechlstm.training.engine.optimizer import LOSS_SCALE, GuardedAdamW
from speechlstm.training.layers.ctc import ctc_losses
from speechlstm.training.plots import plot_training

MAX_DROPPED = 0.01  # share of the utterances whose loss may be not finite


class Trainer(EpochLoop):
    """Trains the model of a run.

    Args:
        run: The run; its folder exists.
        train: What to learn from.
        valid: What to measure on, each epoch.
        report: Is given a line of text an epoch, and warnings.
        progress: Whether to show a progress bar on stderr.
        cluster: Who shares each batch; `Cluster.joined` is entered.
    """

    def __init__(
        self,
        run: Run,
        train: Corpus,
        valid: Corpus,
        report: Callable[[str], None],
        progress: bool = False,
        cluster: Cluster | None = None,
    ) -> None:
        self.run, self.report = run, report
        self.config: TrainConfig = run.settings.training
        self.cluster = cluster or Cluster()
        keras.utils.set_random_seed(self.config.seed)
        self.train_data = SpeechDataset(train, run.settings, augment=True, cluster=self.cluster)
        self.valid_data = SpeechDataset(valid, run.settings, augment=False)
        self.model = run.new_model()
        self.model.freeze(self.config.frozen_layers)
        self.optimizer = GuardedAdamW(
            self.config.learning_rate,
            weight_decay=self.config.weight_decay,
            global_clipnorm=self.config.clip_norm,
            loss_scale_factor=LOSS_SCALE if self.config.precision == "float16" else None,
        )
        self.optimizer.build(self.model.trainable_variables)
        self.model.compile(optimizer=self.optimizer, jit_compile=keras.backend.backend() == "jax")
        super().__init__(
            run.path,
            self.config,
            self.model,
            self.optimizer,
            self.train_data,
            progress,
            self.cluster,
        )

    def resume(self) -> None:
        """Go back to the last checkpoint, or to the weights of another model, if there are any.

        Raises:
            ModelError: The checkpoint is damaged, of another model or of another version.
        """
        if self._restore():
            self.train_data.dropped = set(self.state.dropped)

    def _loss(self) -> str:
        return f"loss={self.state.loss_sum / max(1, self.state.num_utterances):.2f}"

    def _train_batch(self, index: int, batch: tuple[dict[str, Any], dict[str, Any]]) -> None:
        """One update; without the utterances whose loss is not finite, should there be any."""
        loss = self._update(batch)
        if not math.isfinite(loss):
            self._drop(index)
            loss = self._update(self.train_data[index])
        num_utterances = len(self.train_data.examples(index))
        if math.isfinite(loss):
            self.state.loss_sum += loss * num_utterances
            self.state.num_utterances += num_utterances

    def _update(self, batch: tuple[dict[str, Any], dict[str, Any]]) -> float:
        """The batch's mean loss; not finite where the optimizer skipped the update.

        If the gradient overflowed for the loss' scale alone, it is computed again at a lower one.
        """
        self.optimizer.learning_rate = self._learning_rate()
        self._seed_backend()
        while True:
            skipped, scale = int(self.optimizer.num_skipped), self.optimizer.loss_scale
            loss = self.model.train_on_batch(*batch)
            if int(self.optimizer.num_skipped) == skipped:
                return loss
            if scale == 1 or not math.isfinite(loss):
                return math.nan

    def _drop(self, index: int) -> None:
        """Find utterances whose loss is not finite, name them, leave them out from now on.

        Raises:
            TrainingError: They are more than MAX_DROPPED of all.
        """
        data = self.train_data
        inputs, targets = data.whole(index)
        logits, num_steps = self.model.predict_on_batch(inputs)
        logits = logits[..., : self.model.num_labels]
        losses = ctc_losses(logits, num_steps, targets["labels"], targets["num_labels"])
        finite = np.isfinite(ops.convert_to_numpy(losses))
        finite = finite.reshape(-1, data.num_views).all(axis=1)
        # Only the gradient overflowed: no utterance is to blame alone, so all of them are.
        bad = {
            example.id
            for example, ok in zip(data.examples(index), finite, strict=False)
            if not ok or finite.all()
        }
        if names := ", ".join(sorted(bad)):
            self.report(f"warning: epoch {self.state.epoch + 1}: loss not finite, skipped: {names}")
        data.dropped |= bad
        self.state.dropped = sorted(data.dropped)
        num_examples = len(data.corpus.examples)
        if len(data.dropped) > MAX_DROPPED * num_examples:
            raise TrainingError(
                f"loss not finite for {len(data.dropped)} of {num_examples} utterances: "
                "lower training.learning_rate, or check these recordings"
            )

    def _end_epoch(self) -> None:
        state, data = self.state, self.train_data
        result = validate(self.model, self.valid_data, self.run)
        seconds = max(state.seconds, 1e-9)
        metrics = {
            "epoch": state.epoch + 1,
            "loss": state.loss_sum / max(1, state.num_utterances),
            "valid_loss": result.loss,
            "valid_wer": result.words.rate,
            "valid_cer": result.characters.rate,
            **({"valid_per": result.phones.rate} if self.run.phones else {}),
            "learning_rate": float(self.optimizer.learning_rate),
            "seconds": state.seconds,
            "speed": data.seconds / seconds,
            "padding": data.padding,
            "stall": state.waited / seconds,
            "dropped": len(state.dropped),
        }
        state.history.append(metrics)
        best = since_best([rank(line) for line in state.history]) == 0
        self._reduce_on_plateau()
        self._next_epoch()
        if best and self.cluster.leads:
            save_checkpoint(self.run.best, {"model": self.model.variables})
        if self.cluster.leads:
            self._publish(metrics, best)
        self._save()  # last: whoever is killed before it does the end of the epoch again

    def _publish(self, metrics: dict[str, Any], best: bool) -> None:
        path = self.run.path / "metrics.jsonl"
        write_atomically(path, "".join(json.dumps(line) + "\n" for line in self.state.history))
        plot_training(path, self.run.path / "training.png")
        with EventWriter(self.run.path / "tensorboard") as events:
            events.write(metrics["epoch"], {k: v for k, v in metrics.items() if k != "epoch"})
        left = (self.config.num_epochs - self.state.epoch) * metrics["seconds"] / 60
        self.report(
            f"epoch {self.state.epoch}/{self.config.num_epochs}: loss {metrics['loss']:.2f}, "
            f"validation loss {metrics['valid_loss']:.2f}, WER {metrics['valid_wer']:.1%}, "
            f"CER {metrics['valid_cer']:.1%}"
            + (f", PER {metrics['valid_per']:.1%}" if "valid_per" in metrics else "")
            + f"{' (best)' if best else ''}; "
            f"{metrics['speed']:.0f} x real time, {metrics['padding']:.1%} padding, "
            f"{metrics['stall']:.1%} waiting for data, about {left:.0f} min left"
        )

    def _stalled(self) -> bool:
        """Whether the best epoch is early_stop epochs ago."""
        patience = self.config.early_stop
        ranks = [rank(line) for line in self.state.history]
        return bool(patience and ranks) and since_best(ranks) >= patience

    def _reduce_on_plateau(self) -> None:
        patience = self.config.reduce_on_plateau
        since = since_best([line["valid_loss"] for line in self.state.history])
        if patience and since and since % patience == 0:
            self.state.plateau_factor /= 2
