"""Conversion of a unidirectional acoustic model to a file that hears an utterance block by block.

All that a block leaves to the next one goes out and comes in again as one vector, so that the file
has no variable tensors and runs in every LiteRT runtime. The host need not know its parts:

    tail      the last samples, which belong to windows that reach into the next block
    sums      of the MFCC and of their squares over all frames so far, which normalise the next ones
    states    for each recurrent layer: h, and c of an LSTM
    ahead     the last `lookahead` outputs of the recurrent layers, which wait for later ones

data/README.md has the contract.
"""

from itertools import accumulate, pairwise
from typing import Any

import tensorflow as tf

from speechlstm.acoustic.streaming import FIRST_FRAME, LOG_PROBS, NUM_SAMPLES, SAMPLES, START, STATE
from speechlstm.config import FeatureConfig, NetworkConfig
from speechlstm.training.acoustic.network import AcousticNetwork
from speechlstm.training.tflite.convert import convert, require_tensorflow
from speechlstm.training.tflite.portable import Cell, step_of


def why_not_streaming(features: FeatureConfig, network: NetworkConfig) -> str:
    """The reason why a network cannot hear an utterance block by block; empty if it can."""
    if network.bidirectional:
        return "model.bidirectional is true: each output depends on all that follows"
    if features.normalize != "running":
        return (
            f'features.normalize is "{features.normalize}", which depends on all that follows; '
            'train with "running"'
        )
    return ""


def convert_streaming(model: AcousticNetwork) -> bytes:
    """Convert a model to a TensorFlow Lite file of float32 weights for blocks of samples.

    Returns:
        The content of the file, as data/README.md describes it.

    Raises:
        ConfigError: Keras runs on another backend than TensorFlow.
        ValueError: `why_not_streaming` has a reason.
    """
    require_tensorflow()
    features, config = model.features, model.config
    if reason := why_not_streaming(features, config):
        raise ValueError(reason)
    cells = [step_of(layer.layer) for layer in model.recurrent]
    frame_samples = features.hop_samples * config.frame_stack
    # Samples from the start of an output frame to the end of its last window, in output frames.
    reach = -(-(frame_samples - features.hop_samples - features.samples_before
                + features.window_samples) // frame_samples)  # fmt: skip
    sizes = [
        (reach - 1) * frame_samples + features.samples_before,
        2 * features.num_features,
        *[config.num_units] * sum(cell.num_states for cell in cells),
        *[config.lookahead * config.num_units] * bool(config.lookahead),
    ]
    ends = [0, *accumulate(sizes)]

    def log_probs(samples: Any, start: Any, num_samples: Any, state: Any) -> dict[str, Any]:
        tail, sums, *states = (state[:, i:j] for i, j in pairwise(ends))
        heard = tf.concat([tail, samples], axis=1)
        count = tf.shape(samples)[1] // frame_samples
        first = start // frame_samples - (reach - 1)  # output frame that is computed first
        num_frames = 1 + num_samples // features.hop_samples
        frames, sums = model.mfcc.continued(
            heard,
            first[:, tf.newaxis] * config.frame_stack,
            num_frames[:, tf.newaxis],
            sums,
            count * config.frame_stack,
        )
        x = tf.reshape(frames, (count, config.frame_stack * features.num_features))
        places = first + tf.range(count)
        num_steps = -(-num_frames // config.frame_stack)
        true = tf.logical_and(places >= 0, places < num_steps)[:, tf.newaxis]
        ahead = states.pop() if model.ahead else None
        x, states = _steps(model, cells, x, true, states)
        if model.ahead:
            waiting = tf.reshape(ahead, (config.lookahead, config.num_units))
            x = tf.concat([waiting, x], axis=0)
            states.append(tf.reshape(x[count:], (1, -1)))
            x = model.ahead(x[tf.newaxis])[0]
        logits = tf.concat([layer(x) for layer in model.output_layers], axis=-1)
        parts = [heard[:, -sizes[0] :], sums, *states]
        return {
            LOG_PROBS: model.log_probs(logits)[tf.newaxis],
            FIRST_FRAME: first - config.lookahead,
            STATE: tf.reshape(tf.concat(parts, axis=1), (1, sum(sizes))),
        }

    signature = [
        tf.TensorSpec((1, None), tf.float32, SAMPLES),
        tf.TensorSpec((1,), tf.int32, START),
        tf.TensorSpec((1,), tf.int32, NUM_SAMPLES),
        tf.TensorSpec((1, sum(sizes)), tf.float32, STATE),
    ]
    return convert(tf.function(log_probs, input_signature=signature, autograph=False), model)


def _steps(
    model: AcousticNetwork, cells: list[Cell], inputs: Any, true: Any, states: list[Any]
) -> tuple[Any, list[Any]]:
    """Run all recurrent layers, with their normalization, step by step.

    All kernels are within the loop, where `quantize` looks for them.

    Args:
        inputs: (num_steps, width).
        true: (num_steps, 1) bool, whether a step is in the utterance. Others change no state.
        states: Those of all layers, (1, num_units) each.

    Returns:
        The outputs (num_steps, num_units), 0 in steps that are not in the utterance; the states.
    """
    num_steps = tf.shape(inputs)[0]
    outputs = tf.TensorArray(tf.float32, num_steps, element_shape=(1, model.config.num_units))
    ends = list(accumulate(cell.num_states for cell in cells))

    def turn(number: Any, outputs: Any, *before: Any) -> tuple[Any, ...]:
        x, is_true, after = inputs[number][tf.newaxis], true[number], []
        for index, (cell, end) in enumerate(zip(cells, ends, strict=True)):
            old = before[end - cell.num_states : end]
            gates = [
                tf.matmul(x, kernel) + bias
                for kernel, bias in zip(cell.kernels, cell.biases, strict=True)
            ]
            new = cell.step(gates, old)
            after += [tf.where(is_true, a, b) for a, b in zip(new, old, strict=True)]
            x = model.norms[index](new[0]) if model.norms else new[0]
        x = tf.where(is_true, x, 0.0)
        return number + 1, outputs.write(number, x), *after

    _, outputs, *states = tf.while_loop(
        lambda number, *_: number < num_steps, turn, (0, outputs, *states)
    )
    return tf.reshape(outputs.stack(), (num_steps, model.config.num_units)), states
