"""The LSTM layer on TensorFlow and a CPU: large products in TensorFlow, the recurrence in NumPy.

Keras' layer is a loop of TensorFlow operators, whose overhead exceeds the arithmetic on the few
rows of a step, and multiplies inputs and gradients step by step. Here the products of the inputs,
and the gradients of the weights, are single large products over all steps and both directions.
"""

from typing import Any

import tensorflow as tf

from speechlstm.training.layers import lstm_numpy as recurrence


def lstm(inputs: Any, num_steps: Any, cells: list[Any], precision: str) -> Any:
    """Run a layer; see `RecurrentLayer`.

    Args:
        inputs: (batch, max_steps, width).
        num_steps: (batch,) int32, number of steps of each sequence.
        cells: Keras' cells with the weights, one for each direction.
        precision: Precision of the large matrix products, which are summed in float32.

    Returns:
        (batch, max_steps, num_units * directions); undefined after the end of a sequence.
    """
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
            # The previous state of a step is that of the step before; backwards, of that after it.
            start = tf.zeros_like(outputs[0, :1])
            before = tf.stack(
                [
                    tf.concat([outputs[1, 1:], start] if d else [start, outputs[0, :-1]], axis=0)
                    for d in range(directions)
                ]
            )
            before = tf.reshape(before, (directions, steps * batch, num_units))
            d_rows = tf.add_n(
                [product(d_gates[d], kernel[d], transpose_b=True) for d in range(directions)]
            )
            d_inputs = tf.transpose(tf.reshape(d_rows, (steps, batch, width)), (1, 0, 2))
            d_kernel = product(rows, d_gates, transpose_a=True)
            d_recurrent = product(before, d_gates, transpose_a=True)
            # A product with ones, since tf.reduce_sum over rows is several times slower.
            d_bias = tf.matmul(tf.ones((directions, 1, steps * batch)), d_gates)
            return d_inputs, d_kernel, d_recurrent, d_bias[:, 0]

        by_utterance = tf.transpose(outputs, (2, 1, 0, 3))
        return tf.reshape(by_utterance, (batch, steps, directions * num_units)), gradient

    return run(
        inputs,
        tf.stack([cell.kernel.value for cell in cells]),
        tf.stack([cell.recurrent_kernel.value for cell in cells]),
        tf.stack([cell.bias.value for cell in cells]),
    )
