"""The training of an LSTM language model."""

import json
import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from speechlstm.errors import TrainingError
from speechlstm.storage import write_atomically
from speechlstm.training.engine.checkpoint import save_checkpoint
from speechlstm.training.engine.devices import keep_freed_memory
from speechlstm.training.engine.distribution import Cluster
from speechlstm.training.engine.loop import EpochLoop
from speechlstm.training.engine.optimizer import GuardedAdamW
from speechlstm.training.lm.dataset import SentenceDataset
from speechlstm.training.lm.network import LanguageModelNetwork
from speechlstm.training.lm.run import LanguageModelRun
from speechlstm.training.plots import plot_perplexity

_VALIDATION_WORDS = 500  # of a batch: all words' probabilities after each, 110 MB for 55,000 words


class LanguageModelTrainer(EpochLoop):
    """Trains the language model of a run.

    Args:
        run: The run; its folder exists.
        report: Is given a line of text an epoch.
        progress: Whether to show a progress bar on stderr.

    Raises:
        ModelError: The run is damaged.
    """

    def __init__(
        self, run: LanguageModelRun, report: Callable[[str], None], progress: bool = False
    ) -> None:
        self.run, self.report, config = run, report, run.training
        keras.utils.set_random_seed(config.seed)
        num_words = len(run.words)
        self.train_data = SentenceDataset(
            run.tokens("train"), num_words, config.batch_words, config.sample_size, config.seed
        )
        self.valid_data = SentenceDataset(run.tokens("valid"), num_words, _VALIDATION_WORDS, 1)
        self.network = run.new_network()
        # The network begins with what words are worth in no context.
        counts = self.train_data.counts + 1.0
        self.network.bias.assign(np.log(counts / counts.sum()))
        optimizer = GuardedAdamW(
            config.learning_rate, weight_decay=0.0, global_clipnorm=config.clip_norm
        )
        optimizer.build(self.network.trainable_variables)
        self.network.compile(optimizer, jit_compile=keras.backend.backend() == "jax")
        super().__init__(
            run.path, config, self.network, optimizer, self.train_data, progress, Cluster()
        )

    def resume(self) -> None:
        """Go back to the last checkpoint, or to the weights of another run, if there are any.

        Raises:
            ModelError: The checkpoint is damaged, of another model or of another version.
        """
        self._restore()

    def _loss(self) -> str:
        return f"perplexity={_perplexity(self.state.loss_sum, self.state.num_utterances):.1f}"

    def _train_batch(self, index: int, batch: tuple[dict[str, Any], dict[str, Any]]) -> None:
        self._optimizer.learning_rate = self._learning_rate()
        self._seed_backend()
        loss = self.network.train_on_batch(*batch)
        if not math.isfinite(loss):
            raise TrainingError(
                f"{self.run.path}: the loss is not finite; train with a lower learning rate"
            )
        num_words = self.train_data.size(index)
        self.state.loss_sum += loss * num_words
        self.state.num_utterances += num_words

    def _end_epoch(self) -> None:
        state = self.state
        metrics = {
            "epoch": state.epoch + 1,
            "perplexity": _perplexity(state.loss_sum, state.num_utterances),
            "valid_perplexity": measured_perplexity(self.network, self.valid_data),
            "learning_rate": float(self._optimizer.learning_rate),
            "seconds": state.seconds,
            "words_per_second": state.num_utterances / max(state.seconds, 1e-9),
        }
        state.history.append(metrics)
        self._next_epoch()
        best = metrics["valid_perplexity"] == min(h["valid_perplexity"] for h in state.history)
        if best:
            save_checkpoint(self.run.best, {"model": self.network.variables})
        path = self.run.path / "metrics.jsonl"
        write_atomically(path, "".join(json.dumps(line) + "\n" for line in state.history))
        plot_perplexity(path, self.run.path / "training.png")
        left = (self.run.training.num_epochs - state.epoch) * metrics["seconds"] / 60
        self.report(
            f"epoch {state.epoch}/{self.run.training.num_epochs}: "
            f"perplexity {metrics['perplexity']:.1f} (estimated), "
            f"validation {metrics['valid_perplexity']:.1f}{' (best)' if best else ''}; "
            f"{metrics['words_per_second']:.0f} words a second, about {left:.0f} min left"
        )
        self._save()  # last: whoever is killed before it does the end of the epoch again


def train_language_model(
    run: LanguageModelRun, report: Callable[[str], None], progress: bool = False
) -> None:
    """Train a run from its last checkpoint, or from the start where there is none.

    Args:
        run: The run.
        report: Is given lines of text.
        progress: Whether to show a progress bar on stderr.

    Raises:
        ModelError: The run is damaged.
        TrainingError: The loss is not finite.
        KeyboardInterrupt: Ctrl-C; the run can be resumed.
    """
    keep_freed_memory()
    trainer = LanguageModelTrainer(run, report, progress)
    trainer.resume()
    report(
        f"{trainer.train_data.num_words:,} words to foretell, {len(run.words):,} different ones, "
        f"{trainer.network.count_params():,} weights; "
        f"recurrent layers: {trainer.network.recurrent[0].engine}"
    )
    trainer.train()


def measured_perplexity(network: LanguageModelNetwork, data: SentenceDataset) -> float:
    """Perplexity of a text under the whole softmax, sentence ends included."""
    loss_sum = 0.0
    for index in range(len(data)):
        inputs, targets = data[index]
        features = network(inputs)
        targets = {"next_words": targets["next_words"]}
        loss = network.compute_loss(y=targets, y_pred=features, training=False)
        loss_sum += float(ops.convert_to_numpy(loss)) * data.size(index)
    return _perplexity(loss_sum, data.num_words)


def _perplexity(loss_sum: float, num_words: int) -> float:
    return math.exp(min(loss_sum / max(1, num_words), 700))  # beyond, a float ends
