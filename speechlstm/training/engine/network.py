"""What the networks have in common: one graph for the batches of any process."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np


class Network(keras.Model):
    """A model whose update and prediction are compiled once, for batches of any shape.

    On TensorFlow, Keras compiles the first batch of a process for its own shape and the others for
    any, and the graph optimiser rounds the two differently: a run that was stopped and resumed
    would end with other weights than one that was not. Here one graph serves all batches, and it
    is the same in every process.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name=name)
        self._compiled_update = _AnyShape(lambda x, y: self.train_step((x, y))["loss"])
        self._compiled_prediction = _AnyShape(lambda x: self(x, training=False))

    def train_on_batch(self, x: dict[str, Any], y: dict[str, Any]) -> float:
        """One update; returns the batch's loss.

        Args:
            x: The batch's inputs, NumPy arrays.
            y: Its targets, likewise.
        """
        self.reset_metrics()
        if keras.backend.backend() != "tensorflow":
            return float(super().train_on_batch(x, y))
        return float(self._compiled_update(x, y))

    def predict_on_batch(self, x: dict[str, Any]) -> Any:
        """The outputs of a batch, as NumPy arrays."""
        if keras.backend.backend() != "tensorflow":
            return super().predict_on_batch(x)
        return keras.tree.map_structure(np.asarray, self._compiled_prediction(x))


class _AnyShape:
    """A function of NumPy arrays as a graph for each set of ranks and types, whatever the shapes.

    Args:
        function: Of dicts of tensors.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._graphs: dict[Any, Callable[..., Any]] = {}

    def __call__(self, *batch: dict[str, Any]) -> Any:
        key = tuple((k, np.ndim(v), v.dtype) for arrays in batch for k, v in sorted(arrays.items()))
        if key not in self._graphs:
            self._graphs[key] = self._compile(batch)
        return self._graphs[key](*batch)

    def _compile(self, batch: tuple[dict[str, Any], ...]) -> Callable[..., Any]:
        import tensorflow as tf

        signature = [
            {key: tf.TensorSpec([None] * np.ndim(a), a.dtype) for key, a in arrays.items()}
            for arrays in batch
        ]
        graph: Callable[..., Any] = tf.function(
            self._function, input_signature=signature, autograph=False
        )
        return graph
