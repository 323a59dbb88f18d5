"""The trainer of a classifier: updates as of an acoustic model, accuracy for error rates."""

from typing import Any

import numpy as np
from keras import ops

from speechlstm.training.acoustic.trainer import SpeechTrainer
from speechlstm.training.classification.network import ClassifierNetwork
from speechlstm.training.classification.run import ClassifierRun
from speechlstm.training.plots import plot_accuracy


class ClassifierTrainer(SpeechTrainer):
    """Trains a classifier; see SpeechTrainer."""

    run: ClassifierRun
    network: ClassifierNetwork

    def _validate(self) -> dict[str, float]:
        """Loss and accuracy on the validation data."""
        losses, correct = [], []
        for index in range(len(self.valid_data)):
            inputs, targets = self.valid_data[index]
            outputs = self.network.predict_on_batch(inputs)
            true = targets["weights"] > 0  # the others are copies
            losses.append(
                ops.convert_to_numpy(self.network.utterance_losses(outputs, targets))[true]
            )
            correct.append((outputs[0].argmax(axis=-1) == targets["labels"][:, 0])[true])
            self._stop_if_asked()
        return {
            "valid_loss": float(np.concatenate(losses).mean()),
            "valid_accuracy": float(np.concatenate(correct).mean()),
        }

    def _describe(self, metrics: dict[str, Any]) -> str:
        return f"accuracy {metrics['valid_accuracy']:.1%}"

    def _plot(self) -> None:
        plot_accuracy(self.run.metrics, self.run.plot)
