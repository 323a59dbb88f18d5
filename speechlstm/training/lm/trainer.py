"""The trainer of an LSTM language model: updates, validation perplexity, metrics of each epoch."""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from speechlstm.training.engine.word_loop import WordLoop
from speechlstm.training.lm.dataset import SentenceDataset
from speechlstm.training.lm.network import LanguageModelNetwork, LanguageModelTraining
from speechlstm.training.lm.run import LanguageModelRun
from speechlstm.training.plots import plot_perplexity

_VALIDATION_WORDS = 500  # of a batch: with a vocabulary of 55,000, its log-probs need 110 MB


class LanguageModelTrainer(WordLoop):
    """Trains the language model of a run.

    Args:
        run: The run; its folder exists.
        report: Called with a line of text for each epoch.

    Raises:
        ModelError: The run is damaged.
    """

    run: LanguageModelRun
    config: LanguageModelTraining
    network: LanguageModelNetwork
    train_data: SentenceDataset
    hint = "train with a lower --learning-rate"

    def __init__(
        self, run: LanguageModelRun, report: Callable[[str], None], progress: bool = False
    ) -> None:
        config, num_words = run.training, len(run.words)
        keras.utils.set_random_seed(config.seed)
        train_data = SentenceDataset(
            run.tokens("train"), num_words, config.batch_words, config.sample_size, config.seed
        )
        self.valid_data = SentenceDataset(run.tokens("valid"), num_words, _VALIDATION_WORDS, 1)
        network = run.new_network()
        # The untrained network predicts the frequencies of the words, whatever the context.
        counts = train_data.counts + 1.0
        network.bias.assign(np.log(counts / counts.sum()))
        super().__init__(run, config, network, train_data, report, progress)

    def described_data(self) -> str:
        """See WordLoop."""
        return f"{super().described_data()}, a vocabulary of {len(self.run.words):,}"

    def _loss(self) -> str:
        return f"perplexity={_perplexity(self.state.mean_loss):.1f}"

    def _measure(self) -> dict[str, Any]:
        valid_perplexity = measured_perplexity(self.network, self.valid_data, self._stop_if_asked)
        return {
            "perplexity": _perplexity(self.state.mean_loss),
            "valid_perplexity": valid_perplexity,
            **self._speed(),
        }

    def _publish(self, metrics: dict[str, Any], best: bool) -> None:
        plot_perplexity(self.run.metrics, self.run.plot)
        self.report(
            f"epoch {self.state.epoch}/{self.config.num_epochs}: "
            f"perplexity {metrics['perplexity']:.1f} (estimated), "
            f"validation {metrics['valid_perplexity']:.1f}{' (best)' if best else ''}; "
            f"{self._described_speed(metrics)}"
        )


def measured_perplexity(
    network: LanguageModelNetwork, data: SentenceDataset, between: Callable[[], None] = lambda: None
) -> float:
    """Measure the perplexity of a text with the full softmax, sentence ends included."""
    loss_sum = 0.0
    for index in range(len(data)):
        inputs, targets = data[index]
        features = network(inputs)
        targets = {"next_words": targets["next_words"]}
        loss = network.batch_loss(features, targets, training=False)
        loss_sum += float(ops.convert_to_numpy(loss)) * data.size(index)
        between()
    return _perplexity(loss_sum / max(1, data.num_words))


def _perplexity(loss: float) -> float:
    return math.exp(min(loss, 700))  # exp(710) overflows a float
