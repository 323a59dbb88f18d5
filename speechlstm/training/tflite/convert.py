"""Networks as a phone runs them: one waveform of any length in, log-probabilities out.

Padding and dropout have no place here, and an LSTM is one fused operator instead of a loop, twice
as fast. TensorFlow only, as is its converter.
"""

import uuid
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from speechlstm.errors import ConfigError
from speechlstm.training.acoustic.network import AcousticModel, stack_frames
from speechlstm.training.g2p.network import FRAMES, G2PNetwork
from speechlstm.training.layers.recurrent import RecurrentLayer
from speechlstm.training.lm.network import LanguageModelNetwork


def convert(model: AcousticModel, fused: bool = True) -> bytes:
    """The model as a TensorFlow Lite file: float32 weights, built-in operators only.

    Args:
        model: The model.
        fused: Whether to ask for fused LSTMs; other cells are loops in any case.

    Returns:
        The file. Input: samples (1, num_samples) float32; output: natural log-probabilities
        (1, num_steps, num_labels + num_phones), normalised over the characters and over the phones.

    Raises:
        ConfigError: Keras runs on another backend than TensorFlow.
    """
    _require_tensorflow()
    recurrent = [_recurrent_layer(layer, fused) for layer in model.recurrent]

    @tf.function(input_signature=[tf.TensorSpec((1, None), tf.float32, "samples")], autograph=False)
    def log_probs(samples: Any) -> Any:
        frames, num_frames = model.mfcc(samples, num_samples=tf.shape(samples)[1:])
        x, _ = stack_frames(frames, num_frames, model.config.frame_stack)
        for index, layer in enumerate(recurrent):
            x = layer(x)
            if model.norms:
                x = model.norms[index](x)
        logits = tf.concat([layer(x) for layer in model.output_layers], axis=-1)
        return model.log_probs(logits)

    return _converted(log_probs, model)


def convert_g2p(network: G2PNetwork) -> bytes:
    """The same for a pronouncer.

    Returns:
        The file. Input: letters (1, num_letters) int32; output: logits
        (1, FRAMES * num_letters, num_labels).

    Raises:
        ConfigError: Keras runs on another backend than TensorFlow.
    """
    _require_tensorflow()
    recurrent = [_recurrent_layer(layer, fused=True) for layer in network.recurrent]

    @tf.function(input_signature=[tf.TensorSpec((1, None), tf.int32, "letters")], autograph=False)
    def logits(letters: Any) -> Any:
        x = tf.repeat(network.embedding(letters), FRAMES, axis=1)
        for layer in recurrent:
            x = layer(x)
        return network.output_layer(x)

    return _converted(logits, network)


def convert_language_model(network: LanguageModelNetwork) -> bytes:
    """One step of a language model, for any number of sentences; its state comes in and goes out.

    Returns:
        The file. Inputs: words (n,) int32, h and c (n, num_layers, num_units) float32; outputs:
        log_probs (n, num_words), natural, of the words after these, and h and c then.

    Raises:
        ConfigError: Keras runs on another backend than TensorFlow.
    """
    _require_tensorflow()
    state = tf.TensorSpec((None, network.config.num_layers, network.config.num_units), tf.float32)

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.int32), state, state], autograph=False)
    def step(words: Any, h: Any, c: Any) -> dict[str, Any]:
        x = tf.gather(network.embedding.embeddings.value, words)
        states = []
        for index, layer in enumerate(network.recurrent):
            x, state = layer.layer.cell(x, [h[:, index], c[:, index]])
            states.append(state)
        outputs, cells = (tf.stack(values, axis=1) for values in zip(*states, strict=True))
        log_probs = network.log_probs(network.projection(x))
        return {"log_probs": log_probs, "h": outputs, "c": cells}

    return _converted(step, network)


def _require_tensorflow() -> None:
    if keras.backend.backend() != "tensorflow":
        raise ConfigError(
            f"Keras runs on {keras.backend.backend()}, export needs TensorFlow: "
            "set KERAS_BACKEND=tensorflow"
        )


def _converted(function: Any, model: keras.Model) -> bytes:
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


def _recurrent_layer(layer: RecurrentLayer, fused: bool) -> Callable[[Any], Any]:
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
