"""The base class of all networks: one compiled graph for batches of any shape, and the loss."""

from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np


class Network(keras.Model):
    """A Keras model whose update and prediction are compiled once for batches of any shape.

    On TensorFlow, Keras compiles one graph for the shape of the first batch of a process and
    another one for all other shapes, and TensorFlow's graph optimizer rounds the two differently: a
    run that was stopped and resumed would end with other weights than one that was not. Here one
    graph serves all batches, in every process.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name=name)
        self._compiled_update = _AnyShape(lambda x, y: self.train_step((x, y))["loss"])
        self._compiled_prediction = _AnyShape(lambda x: self(x, training=False))

    @abstractmethod
    def batch_loss(self, outputs: Any, targets: dict[str, Any], training: bool) -> Any:
        """The loss of a batch, a scalar.

        Args:
            targets: The targets of the batch, by name.
            training: Whether the loss is that of an update, which may be an estimate.
        """

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Keras' interface to batch_loss."""
        return self.batch_loss(y_pred, y, training)

    def train_on_batch(self, x: dict[str, Any], y: dict[str, Any]) -> float:
        """Do one update.

        Args:
            x: The inputs of the batch: arrays by name, of NumPy or of the backend.
            y: Its targets, likewise.

        Returns:
            The loss of the batch.
        """
        self.reset_metrics()
        if keras.backend.backend() != "tensorflow":
            return float(super().train_on_batch(x, y))
        return float(self._compiled_update(x, y))

    def predict_on_batch(self, x: dict[str, Any]) -> Any:
        """The outputs for a batch, as NumPy arrays."""
        if keras.backend.backend() != "tensorflow":
            return super().predict_on_batch(x)
        return keras.tree.map_structure(np.asarray, self._compiled_prediction(x))


def build_stack(layers: Iterable[Any], width: int) -> int:
    """Build layers that follow one another; returns the width of the last one's outputs."""
    for layer in layers:
        layer.build((None, None, width))
        width = layer.compute_output_shape((None, None, width))[-1]
    return width


class _AnyShape:
    """A function compiled as one TensorFlow graph for each set of ranks and data types.

    Args:
        function: A function of dicts of tensors. The result is called with dicts of arrays.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._graphs: dict[Any, Callable[..., Any]] = {}

    def __call__(self, *batch: dict[str, Any]) -> Any:
        key = tuple(
            (k, len(v.shape), v.dtype) for arrays in batch for k, v in sorted(arrays.items())
        )
        if key not in self._graphs:
            self._graphs[key] = self._compile(batch)
        return self._graphs[key](*batch)

    def _compile(self, batch: tuple[dict[str, Any], ...]) -> Callable[..., Any]:
        import tensorflow as tf

        signature = [
            {key: tf.TensorSpec([None] * len(a.shape), a.dtype) for key, a in arrays.items()}
            for arrays in batch
        ]
        graph: Callable[..., Any] = tf.function(
            self._function, input_signature=signature, autograph=False
        )
        return graph
