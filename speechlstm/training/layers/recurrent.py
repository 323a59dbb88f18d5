"""The recurrent layer: an LSTM read forwards and backwards, on each backend its fastest way."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from speechlstm.config import Precision

_CELLS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "rnn": keras.layers.SimpleRNN}


@keras.saving.register_keras_serializable("speechlstm")
class RecurrentLayer(keras.layers.Layer):
    """A recurrent layer over sequences with true lengths (Graves and Schmidhuber, 2005).

    The weights are those of the stock Keras layer held in `layer`; the fast path computes the same
    function. Padding never changes an output: the backward direction starts at each utterance's
    own last step, and outputs beyond it are 0.

    Args:
        num_units: Units a direction.
        cell: "lstm", "gru" or "rnn"; the last two run Keras' own layer.
        bidirectional: Whether a second recurrence reads the sequence backwards.
        recurrent_dropout: Share of the recurrent state dropped in training; runs Keras' own layer.
        products: Precision of the fast path's large products in training, summed in float32; see
            `TrainConfig.precision`. Keras' own layer is float32.
    """

    def __init__(
        self,
        num_units: int,
        cell: str = "lstm",
        bidirectional: bool = True,
        recurrent_dropout: float = 0.0,
        products: Precision = "float32",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_units = num_units
        self.cell = cell
        self.bidirectional = bidirectional
        self.recurrent_dropout = recurrent_dropout
        self.products = products
        layer = _CELLS[cell](
            num_units, return_sequences=True, recurrent_dropout=recurrent_dropout, name=cell
        )
        self.layer = keras.layers.Bidirectional(layer) if bidirectional else layer

    def build(self, inputs_shape: tuple[int | None, ...], *_: Any) -> None:
        """Create the weights for inputs (batch, num_steps, width)."""
        self.layer.build(inputs_shape)
        self.built = True

    def call(self, inputs: Any, num_steps: Any, training: bool = False) -> Any:
        """Run the layer.

        Args:
            inputs: (batch, max_steps, width).
            num_steps: (batch,) int32, true steps.
            training: Whether recurrent dropout acts.

        Returns:
            (batch, max_steps, num_units * directions); 0 beyond an utterance's length.
        """
        mask = ops.arange(ops.shape(inputs)[1])[None, :] < num_steps[:, None]
        # A symbolic tensor has no values yet: Keras only asks for the shape.
        if not isinstance(inputs, keras.KerasTensor) and (lstm := self._fast_path()):
            precision = self.products if training else "float32"
            outputs = lstm(inputs, num_steps, self._directions(), precision)
        else:
            outputs = self.layer(inputs, mask=mask, training=training)
        return ops.where(mask[..., None], outputs, 0.0)

    def compute_output_shape(
        self, inputs_shape: tuple[int | None, ...], *_: Any
    ) -> tuple[Any, ...]:
        """The width becomes num_units a direction."""
        return (*inputs_shape[:-1], self.num_units * (2 if self.bidirectional else 1))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        config: dict[str, Any] = super().get_config()
        return config | {
            "num_units": self.num_units,
            "cell": self.cell,
            "bidirectional": self.bidirectional,
            "recurrent_dropout": self.recurrent_dropout,
            "products": self.products,
        }

    @property
    def engine(self) -> str:
        """What computes the layer, in words; where it is Keras step by step, also why."""
        backend = keras.backend.backend()
        if self._fast_path():
            return {
                "tensorflow": "the recurrence in NumPy, all else in TensorFlow",
                "torch": "torch's fused kernels",
                "jax": "a scan",
            }[backend]
        precision = "" if self.products == "float32" else f"; in float32, not {self.products}"
        if self.recurrent_dropout:
            why = "no fused kernel drops part of the recurrent state"
        elif backend == "tensorflow" and self.cell != "rnn" and _has_gpu():
            return f"cuDNN{precision}"
        else:
            why = f"on this {backend} only lstm has another way, not {self.cell}"
        return f"Keras step by step: {why}{precision}"

    def _directions(self) -> list[Any]:
        """The cells of the stock layer, which hold the weights."""
        if not self.bidirectional:
            return [self.layer.cell]
        return [self.layer.forward_layer.cell, self.layer.backward_layer.cell]

    def _fast_path(self) -> Callable[..., Any] | None:
        """What computes the layer instead of Keras' own, if anything."""
        if self.cell != "lstm" or self.recurrent_dropout:
            return None
        match keras.backend.backend():
            case "tensorflow" if not _has_gpu():
                from speechlstm.training.layers.lstm_tensorflow import lstm
            case "torch":
                from speechlstm.training.layers.lstm_torch import lstm
            case "jax":
                from speechlstm.training.layers.lstm_jax import lstm
            case _:
                return None
        return lstm


def _has_gpu() -> bool:
    import tensorflow as tf

    return bool(tf.config.list_logical_devices("GPU"))
