"""Conversion of a network to a TensorFlow Lite file; needs TensorFlow, as the converter does.

The export.py of each network builds a function of the layers of this module, without dropout. An
LSTM becomes one fused operator, or loops, as other cells do: see portable.py.
"""

import uuid
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from speechlstm.errors import ConfigError
from speechlstm.training.layers.recurrent import RecurrentLayer
from speechlstm.training.tflite.portable import portable_direction


def require_tensorflow() -> None:
    """Check that Keras runs on TensorFlow.

    Raises:
        ConfigError: Keras runs on another backend.
    """
    if keras.backend.backend() != "tensorflow":
        raise ConfigError(
            f"KERAS_BACKEND: export needs tensorflow, but Keras runs on {keras.backend.backend()}: "
            "set this environment variable to tensorflow"
        )


def convert(function: Any, model: keras.Model) -> bytes:
    """Convert a function to a file of float32 weights and built-in operators.

    Args:
        function: A `tf.function` with an input signature.

    Returns:
        The content of the .tflite file.
    """
    graph = tf.Module()
    # tf.Module does not track Keras' variables: without this the file would lack the weights.
    graph.variables_of_keras = [variable.value for variable in model.variables]
    graph.function = function
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [function.get_concrete_function()], graph
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    tflite: bytes = converter.convert()
    return tflite


def inference_layer(layer: RecurrentLayer, fused: bool = True) -> Callable[..., Any]:
    """Return a function that computes a recurrent layer for a single sequence.

    Args:
        fused: Whether to convert an LSTM to a fused operator; other cells are always loops.

    Returns:
        A function from (1, num_steps, width) to (1, num_steps, num_units * directions). Unless the
        layer is fused, it takes a mask of the steps that are not padding, as
        `portable.portable_direction` describes.
    """
    if not layer.bidirectional:
        return _direction(layer.layer, fused)
    forward = _direction(layer.layer.forward_layer, fused)
    backward = _direction(layer.layer.backward_layer, fused)
    return lambda *inputs: tf.concat([forward(*inputs), backward(*inputs)], axis=-1)


def _direction(layer: Any, fused: bool) -> Callable[..., Any]:
    """One direction of a recurrent layer: (1, num_steps, width) to (1, num_steps, num_units)."""
    if fused and isinstance(layer, keras.layers.LSTM):
        return _fused_lstm(layer)
    return portable_direction(layer)


def _fused_lstm(layer: Any) -> Callable[[Any], Any]:
    """An LSTM that the converter replaces by the operator UNIDIRECTIONAL_SEQUENCE_LSTM.

    The converter recognises the LSTM of Keras 2 by these attributes, six arguments and five results
    (in its pass prepare-composite-functions), and replaces the body by the operator. This is not
    documented; a converter without this pass converts the body, which is a loop.
    """
    # Not Keras' LSTM: on a machine with a GPU, that would use cuDNN's operator.
    loop = keras.layers.RNN(
        layer.cell, return_sequences=True, return_state=True, go_backwards=layer.go_backwards
    )

    @tf.function(
        autograph=False,
        experimental_attributes={
            "api_implements": f"lstm_{uuid.uuid4()}",
            "api_preferred_device": "CPU",
            "time_major": False,
            "go_backwards": layer.go_backwards,
        },
    )
    def lstm(
        inputs: Any, init_h: Any, init_c: Any, kernel: Any, recurrent_kernel: Any, bias: Any
    ) -> tuple[Any, ...]:
        outputs, h, c = loop(inputs)
        return h, outputs, h, c, tf.constant(1.0)

    # Constants, since the converter crashes on variables.
    weights = [weight.numpy() for weight in layer.cell.weights]

    def run(inputs: Any) -> Any:
        zeros = tf.zeros((1, layer.units))
        outputs = lstm(inputs, zeros, zeros, *weights)[1]
        return tf.reverse(outputs, axis=[1]) if layer.go_backwards else outputs

    return run
