"""A function of a network as a TensorFlow Lite file. TensorFlow only, as is its converter.

Padding and dropout have no place on a phone, and an LSTM is one fused operator instead of a loop,
twice as fast: each network's export.py builds its function of layers made here.
"""

import uuid
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from speechlstm.errors import ConfigError
from speechlstm.training.layers.recurrent import RecurrentLayer


def require_tensorflow() -> None:
    """Refuse to go on with another backend.

    Raises:
        ConfigError: Keras runs on another backend than TensorFlow.
    """
    if keras.backend.backend() != "tensorflow":
        raise ConfigError(
            f"Keras runs on {keras.backend.backend()}, export needs TensorFlow: "
            "set KERAS_BACKEND=tensorflow"
        )


def convert(function: Any, model: keras.Model) -> bytes:
    """A file of float32 weights and built-in operators only.

    Args:
        function: A `tf.function` with an input signature.
        model: Whose weights it uses.
    """
    graph = tf.Module()
    # A Keras variable is none of TensorFlow's: without this the file would lack the weights.
    graph.variables_of_keras = [variable.value for variable in model.variables]
    graph.function = function
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [function.get_concrete_function()], graph
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    tflite: bytes = converter.convert()
    return tflite


def inference_layer(layer: RecurrentLayer, fused: bool = True) -> Callable[[Any], Any]:
    """A recurrent layer for one sequence without padding.

    Args:
        layer: The layer.
        fused: Whether to ask for fused LSTMs; other cells are loops in any case.

    Returns:
        A function of (1, num_steps, width) to (1, num_steps, num_units * directions).
    """
    if not layer.bidirectional:
        return _direction(layer.layer, fused)
    forward = _direction(layer.layer.forward_layer, fused)
    backward = _direction(layer.layer.backward_layer, fused)
    return lambda inputs: tf.concat([forward(inputs), backward(inputs)], axis=-1)


def _direction(layer: Any, fused: bool) -> Callable[[Any], Any]:
    """One direction of a recurrent layer, (1, num_steps, width) to (1, num_steps, num_units)."""
    # Not the stock layer itself: on a machine with a GPU that would be cuDNN's operator.
    loop = keras.layers.RNN(
        layer.cell, return_sequences=True, return_state=True, go_backwards=layer.go_backwards
    )
    run = _fused_lstm(layer, loop) if fused and isinstance(layer, keras.layers.LSTM) else loop

    def in_order(inputs: Any) -> Any:
        outputs = run(inputs)[0]
        return tf.reverse(outputs, axis=[1]) if layer.go_backwards else outputs

    return in_order


def _fused_lstm(layer: Any, loop: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """An LSTM that the converter turns into UNIDIRECTIONAL_SEQUENCE_LSTM.

    The converter knows the LSTM of Keras 2 by these attributes, six arguments and five results (its
    pass prepare-composite-functions), and puts the operator in the place of the body. This is
    documented nowhere; a converter that forgets it converts the body, the same loop as ever.
    """

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

    # Constants: the converter crashes where it finds variables.
    weights = [weight.numpy() for weight in layer.cell.weights]

    def run(inputs: Any) -> tuple[Any]:
        zeros = tf.zeros((1, layer.units))
        return (lstm(inputs, zeros, zeros, *weights)[1],)

    return run
