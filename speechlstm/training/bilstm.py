"""The recurrent layer: an LSTM read forwards and backwards, on each backend its fastest way."""

from typing import Any, Literal

import keras
from keras import ops

_CELLS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "rnn": keras.layers.SimpleRNN}


@keras.saving.register_keras_serializable("speechlstm")
class BiLSTM(keras.layers.Layer):
    """A recurrent layer over sequences with true lengths (Graves and Schmidhuber, 2005).

    The weights are those of the stock Keras layer held in `layer`; the fast path computes the same
    function. Padding never changes an output: the backward direction starts at each utterance's
    own last step, and outputs beyond it are 0.

    Args:
        num_units: Units a direction.
        cell: "lstm", "gru" or "rnn"; the last two run Keras' own layer.
        bidirectional: Whether a second recurrence reads the sequence backwards.
        recurrent_dropout: Share of the recurrent state dropped in training; runs Keras' own layer.
        products: Precision of the fast path's large products in training, summed in float32;
            "bfloat16" is faster where the processor has instructions for it (AVX512-BF16, AMX).
    """

    def __init__(
        self,
        num_units: int,
        cell: str = "lstm",
        bidirectional: bool = True,
        recurrent_dropout: float = 0.0,
        products: Literal["float32", "bfloat16"] = "float32",
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
        if self._has_fast_path(inputs):
            precision = self.products if training else "float32"
            outputs = _tensorflow_cpu(inputs, num_steps, self._directions(), precision)
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

    def _directions(self) -> list[Any]:
        """The cells of the stock layer, which hold the weights."""
        if not self.bidirectional:
            return [self.layer.cell]
        return [self.layer.forward_layer.cell, self.layer.backward_layer.cell]

    def _has_fast_path(self, inputs: Any) -> bool:
        return (
            self.cell == "lstm"
            and self.recurrent_dropout == 0
            and keras.backend.backend() == "tensorflow"
            and not isinstance(inputs, keras.KerasTensor)
            and _on_cpu()
        )


def _on_cpu() -> bool:
    import tensorflow as tf

    return not tf.config.list_logical_devices("GPU")


def _tensorflow_cpu(inputs: Any, num_steps: Any, cells: list[Any], precision: str) -> Any:
    """Both directions at once: large products in TensorFlow, the recurrence in NumPy."""
    import tensorflow as tf

    from speechlstm.training import recurrence

    num_units, directions = cells[0].units, len(cells)
    lengths = tf.cast(num_steps, tf.int32)

    def product(left: Any, right: Any, **transpose: bool) -> Any:
        left, right = tf.cast(left, precision), tf.cast(right, precision)
        return tf.cast(tf.matmul(left, right, **transpose), tf.float32)

    @tf.custom_gradient
    def run(inputs: Any, kernel: Any, recurrent: Any, bias: Any) -> tuple[Any, Any]:
        # kernel (directions, width, 4 * units), recurrent (directions, units, 4 * units)
        batch, steps, width = tf.shape(inputs)[0], tf.shape(inputs)[1], inputs.shape[2]
        rows = tf.reshape(tf.transpose(inputs, (1, 0, 2)), (1, -1, width))
        projected = product(rows, kernel) + bias[:, None]
        projected = tf.reshape(projected, (directions, steps, batch, 4 * num_units))
        outputs, gates, states = tf.numpy_function(
            recurrence.forward, (projected, recurrent, lengths), (tf.float32,) * 3
        )
        outputs = tf.ensure_shape(outputs, (directions, None, None, num_units))

        def gradient(d_outputs: Any) -> tuple[Any, ...]:
            d_outputs = tf.reshape(d_outputs, (batch, steps, directions, num_units))
            d_outputs = tf.transpose(d_outputs, (2, 1, 0, 3))
            d_gates = tf.numpy_function(
                recurrence.backward, (d_outputs, gates, states, recurrent, lengths), tf.float32
            )
            d_gates = tf.reshape(d_gates, (directions, steps * batch, 4 * num_units))
            # The state before a step: of the step before it; backwards, of the step after it.
            start = tf.zeros_like(outputs[0, :1])
            before = tf.stack(
                [
                    tf.concat([outputs[1, 1:], start] if d else [start, outputs[0, :-1]], axis=0)
                    for d in range(directions)
                ]
            )
            before = tf.reshape(before, (directions, steps * batch, num_units))
            d_rows = tf.reduce_sum(product(d_gates, kernel, transpose_b=True), axis=0)
            d_inputs = tf.transpose(tf.reshape(d_rows, (steps, batch, width)), (1, 0, 2))
            d_kernel = product(rows, d_gates, transpose_a=True)
            d_recurrent = product(before, d_gates, transpose_a=True)
            return d_inputs, d_kernel, d_recurrent, tf.reduce_sum(d_gates, axis=1)

        by_utterance = tf.transpose(outputs, (2, 1, 0, 3))
        return tf.reshape(by_utterance, (batch, steps, directions * num_units)), gradient

    return run(
        inputs,
        tf.stack([cell.kernel.value for cell in cells]),
        tf.stack([cell.recurrent_kernel.value for cell in cells]),
        tf.stack([cell.bias.value for cell in cells]),
    )
