"""The trainer of the network for punctuation: updates, validation loss and F1, metrics."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from speechlstm.evaluation.readable import LabelCounts
from speechlstm.readable.marked_text import CASES, MARKS
from speechlstm.training.engine.word_loop import WordLoop
from speechlstm.training.punctuation.dataset import PunctuationDataset
from speechlstm.training.punctuation.network import PunctuationNetwork, PunctuationTraining
from speechlstm.training.punctuation.run import PunctuationRun
from speechlstm.training.punctuation.text import PunctuatedText


class PunctuationTrainer(WordLoop):
    """Trains the network of a run.

    Args:
        run: The run; its folder exists.
        report: Called with a line of text for each epoch.

    Raises:
        ModelError: The run is damaged.
    """

    run: PunctuationRun
    config: PunctuationTraining
    network: PunctuationNetwork
    train_data: PunctuationDataset

    def __init__(
        self, run: PunctuationRun, report: Callable[[str], None], progress: bool = False
    ) -> None:
        config = run.training
        keras.utils.set_random_seed(config.seed)
        train_data = PunctuationDataset(*run.text("train"), config)
        self.valid_data = measured_on(*run.text("valid"), config)
        super().__init__(run, config, run.new_network(), train_data, report, progress)

    def _loss(self) -> str:
        return f"loss={self.state.mean_loss:.4f}"

    def _measure(self) -> dict[str, Any]:
        state = self.state
        loss, marks, cases = measure(self.network, self.valid_data, self._stop_if_asked)
        f1 = {
            name or "none": counts.f1(label)
            for names, counts in ((MARKS, marks), (CASES, cases))
            for label, name in enumerate(names)
        }
        return {"loss": state.mean_loss, "valid_loss": loss, "valid_f1": f1, **self._speed()}

    def _publish(self, metrics: dict[str, Any], best: bool) -> None:
        f1 = ", ".join(f"{name} {value:.3f}" for name, value in metrics["valid_f1"].items())
        self.report(
            f"epoch {self.state.epoch}/{self.config.num_epochs}: loss {metrics['loss']:.4f}, "
            f"validation {metrics['valid_loss']:.4f}{' (best)' if best else ''}, F1 {f1}; "
            f"{self._described_speed(metrics)}"
        )


def measured_on(
    text: PunctuatedText, pauses: NDArray[np.int64], config: PunctuationTraining
) -> PunctuationDataset:
    """The validation data: always the same sequences, without pauses, since a text has none."""
    config = replace(config, no_pauses=1.0, word_dropout=0.0, seed=1)
    return PunctuationDataset(text, pauses, config)


def measure(
    network: PunctuationNetwork,
    data: PunctuationDataset,
    between: Callable[[], None] = lambda: None,
) -> tuple[float, LabelCounts, LabelCounts]:
    """The mean loss of a word, and the counts of true and predicted marks and cases."""
    loss_sum, marks, cases = 0.0, LabelCounts(len(MARKS)), LabelCounts(len(CASES))
    for index in range(len(data)):
        inputs, targets = data[index]
        logits, num_words = network.predict_on_batch(inputs)
        loss = network.compute_loss(
            y=targets,
            y_pred=(ops.convert_to_tensor(logits), ops.convert_to_tensor(num_words)),
            training=False,
        )
        loss_sum += float(ops.convert_to_numpy(loss)) * data.size(index)
        logits, steps = np.asarray(logits), np.arange(inputs["ids"].shape[1])
        is_word = steps < inputs["num_words"][:, np.newaxis]
        for counts, key, found in (
            (marks, "marks", logits[..., : len(MARKS)]),
            (cases, "cases", logits[..., len(MARKS) :]),
        ):
            counts.add(targets[key][is_word], found.argmax(axis=-1)[is_word])
        between()
    return loss_sum / data.num_words, marks, cases
