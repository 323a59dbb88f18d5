"""The recurrent layer, uni- or bidirectional, with a fast LSTM implementation for each backend."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from speechlstm.config import Precision
from speechlstm.training.layers.accelerator import has_gpu

_CELLS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "rnn": keras.layers.SimpleRNN}


@keras.saving.register_keras_serializable("speechlstm")
class RecurrentLayer(keras.layers.Layer):
    """A (bidirectional) recurrent layer (Graves and Schmidhuber, 2005) for sequences with lengths.

    The weights are those of Keras' layer, which `layer` holds; the faster implementation computes
    the same function. Padding never changes an output: the backward direction starts at the last
    step of each sequence, and outputs after that step are 0.

    Args:
        cell: "lstm", "gru" or "rnn"; the last two are computed by Keras' layer.
        recurrent_dropout: Fraction of the recurrent state that is dropped in training; if it is not
            0, Keras' layer computes the LSTM.
        products: Precision of the large matrix products of the fast implementation in training,
            summed in float32; see `TrainConfig.precision`. Keras' layer always uses float32.

    >>> layer = RecurrentLayer(8)
    >>> tuple(layer(ops.zeros((2, 5, 3)), ops.array([5, 4], "int32")).shape)
    (2, 5, 16)
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
            num_steps: (batch,) int32, number of steps of each sequence.
            training: Whether to apply recurrent dropout and the precision `products`.

        Returns:
            (batch, max_steps, num_units * directions); 0 after the end of a sequence.
        """
        mask = ops.arange(ops.shape(inputs)[1])[None, :] < num_steps[:, None]
        # For a symbolic tensor, which has no values, Keras only needs the shape.
        if not isinstance(inputs, keras.KerasTensor) and (lstm := self._fast_path()):
            precision = self.products if training else "float32"
            outputs = lstm(inputs, num_steps, self._directions(), precision)
        else:
            outputs = self.layer(inputs, mask=mask, training=training)
        return ops.where(mask[..., None], outputs, 0.0)

    def compute_output_shape(
        self, inputs_shape: tuple[int | None, ...], *_: Any
    ) -> tuple[Any, ...]:
        """The shape of the inputs, with a width of num_units * directions."""
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
        """A description of the code that computes the layer, with the reason if it is slow."""
        backend = keras.backend.backend()
        if self._fast_path():
            return {
                "tensorflow": "the recurrence in NumPy, everything else in TensorFlow",
                "torch": "torch's fused kernels",
                "jax": "a scan",
            }[backend]
        precision = "" if self.products == "float32" else f"; in float32, not {self.products}"
        if self.recurrent_dropout:
            why = "no fused kernel supports recurrent dropout"
        elif backend == "tensorflow" and self.cell != "rnn" and has_gpu():
            return f"cuDNN{precision}"
        else:
            why = f"on {backend}, only lstm has a faster implementation, {self.cell} has not"
        return f"Keras step by step: {why}{precision}"

    def _directions(self) -> list[Any]:
        """The cells of Keras' layer, which hold the weights, one for each direction."""
        if not self.bidirectional:
            return [self.layer.cell]
        return [self.layer.forward_layer.cell, self.layer.backward_layer.cell]

    def _fast_path(self) -> Callable[..., Any] | None:
        """The function that computes the layer faster than Keras' layer; None if there is none."""
        if self.cell != "lstm" or self.recurrent_dropout:
            return None
        match keras.backend.backend():
            case "tensorflow" if not has_gpu():
                from speechlstm.training.layers.lstm_tensorflow import lstm
            case "torch":
                from speechlstm.training.layers.lstm_torch import lstm
            case "jax":
                from speechlstm.training.layers.lstm_jax import lstm
            case _:
                return None
        return lstm
