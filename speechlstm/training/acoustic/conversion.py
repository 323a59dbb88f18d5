"""Conversion of an acoustic model, or another encoder of speech, to TensorFlow Lite files."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import tensorflow as tf

from speechlstm.acoustic import NUM_SAMPLES, SAMPLES
from speechlstm.bundle import MODEL, PORTABLE_MODEL, STREAMING_MODEL
from speechlstm.training.acoustic.encoder import Encoder, stack_frames
from speechlstm.training.acoustic.network import AcousticNetwork
from speechlstm.training.acoustic.streaming import convert_streaming, why_not_streaming
from speechlstm.training.tflite.convert import convert, inference_layer, require_tensorflow
from speechlstm.training.tflite.edit import Quantization, quantize, without_cell_clip, without_names

# Named after where a file runs, since that is what a user knows: the one needs TensorFlow Lite's
# Interpreter, which can reset variable tensors, the other runs in any runtime of LiteRT.
Target = Literal["interpreter", "everywhere"]
FILES: Mapping[Target, str] = {"interpreter": MODEL, "everywhere": PORTABLE_MODEL}
TARGETS: tuple[Target, ...] = ("interpreter", "everywhere")


def convert_target(
    model: AcousticNetwork,
    target: Target,
    quantization: Quantization,
    max_samples: int | None = None,
) -> bytes:
    """Convert a model to the file of a target; see convert_acoustic.

    Args:
        max_samples: Length of all inputs of the target everywhere; None: any length.
    """
    if target == "interpreter":
        return quantize(without_cell_clip(convert_acoustic(model)), quantization)
    tflite = convert_acoustic(model, fused=False, max_samples=max_samples)
    return without_names(quantize(tflite, quantization))


def streaming_file(model: AcousticNetwork, quantization: Quantization) -> dict[str, bytes]:
    """The file that hears an utterance block by block, by its name; none if there can be none."""
    if why_not_streaming(model.features, model.config):
        return {}
    return {STREAMING_MODEL: without_names(quantize(convert_streaming(model), quantization))}


def convert_acoustic(
    model: AcousticNetwork, fused: bool = True, max_samples: int | None = None
) -> bytes:
    """Convert a model to a TensorFlow Lite file of float32 weights and built-in operators.

    Args:
        fused: Whether to use a fused operator for LSTMs; other cells are always loops.
        max_samples: Length of all inputs, for runtimes that allow only one; None: any length. A
            fused LSTM has no fixed length.

    Returns:
        The content of the file. Its input is samples (1, num_samples) float32 in [-1, 1], its
        output natural log-probabilities (1, num_steps, num_labels + num_phones), normalised over
        the characters and over the phones separately. With max_samples, samples are padded with
        zeros to this length, and a second input, num_samples (1,) int32, is the number of those
        before; the outputs of the padding have no meaning, and the others do not depend on it.

    Raises:
        ConfigError: Keras runs on another backend than TensorFlow.
    """
    encode = inference_encoder(model, fused)

    def log_probs(samples: Any, num_samples: Any = None) -> Any:
        x, _ = encode(samples, num_samples)
        logits = tf.concat([layer(x) for layer in model.output_layers], axis=-1)
        return model.log_probs(logits)

    return convert_of_samples(log_probs, model, max_samples)


def inference_encoder(model: Encoder, fused: bool) -> Callable[..., tuple[Any, Any]]:
    """A function that computes an encoder for a single utterance.

    Args:
        fused: Whether to use a fused operator for LSTMs; other cells are always loops.

    Returns:
        A function of samples (1, num_samples) and the number of those that are not padding (1,)
        int32, or None if all are true. Its results are those of `Encoder.encode`.

    Raises:
        ConfigError: Keras runs on another backend than TensorFlow.
    """
    require_tensorflow()
    recurrent = [inference_layer(layer, fused) for layer in model.recurrent]

    def encode(samples: Any, num_samples: Any) -> tuple[Any, Any]:
        true_samples = tf.shape(samples)[1:] if num_samples is None else num_samples
        frames, num_frames = model.mfcc(samples, num_samples=true_samples)
        x, num_steps = stack_frames(frames, num_frames, model.config.frame_stack)
        is_true = (tf.range(tf.shape(x)[1]) < num_steps)[:, tf.newaxis]
        for index, layer in enumerate(recurrent):
            x = layer(x) if num_samples is None else layer(x, is_true)
            if model.norms:
                x = model.norms[index](x)
        return model.with_later_frames(x, num_steps), num_steps

    return encode


def convert_of_samples(function: Any, model: Encoder, max_samples: int | None) -> bytes:
    """Convert a function of samples; with max_samples also of num_samples: see convert_acoustic."""
    signature = [tf.TensorSpec((1, max_samples), tf.float32, SAMPLES)]
    if max_samples is not None:
        signature.append(tf.TensorSpec((1,), tf.int32, NUM_SAMPLES))
    return convert(tf.function(function, input_signature=signature, autograph=False), model)
