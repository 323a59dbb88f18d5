"""What the acoustic network did with an utterance: its features, gates and log-probabilities.

LiteRT runs the file and gives the features that its recurrent layers read. From them and from the
weights in the file, the recurrent layers are computed again in NumPy, step by step, because a fused
LSTM does not show its gates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from speechlstm.acoustic import LiteRTAcousticModel, levelled
from speechlstm.audio import Audio
from speechlstm.bundle import AcousticSpec, Bundle
from speechlstm.explain.cells import Array, DirectionActivity, run_direction
from speechlstm.tflite.weights import NetworkWeights, network_weights, read_weights, recurrent_input

# The mean total variation distance between the probabilities of the file and those in NumPy: an
# 8-bit file differs by 0.013, as it rounds the inputs of its products, too; wrong weights by more
# than 0.5.
MAX_DIFFERENCE = 0.05
_EPSILON = 1e-3  # of Keras' layer normalisation
_FEATURES = "features"


@dataclass(frozen=True)
class NetworkActivity:
    """What an acoustic network did with an utterance.

    Attributes:
        log_probs: (num_steps, width), the output of the file: see `LiteRTAcousticModel.outputs`.
        features: (num_frames, num_features), what the recurrent layers read; None: not found.
        layers: For each recurrent layer its directions, the forward one first; (): not known.
        difference: The mean total variation distance between the probabilities of the file and
            those computed with the layers, 0..1; 0 if there are none.
        reason: Why features or layers are missing; "": they are not.
    """

    log_probs: Array
    features: Array | None
    layers: tuple[tuple[DirectionActivity, ...], ...]
    difference: float = 0.0
    reason: str = ""


class _Parts(NamedTuple):
    """What is read from a file: the place of the features, and the weights."""

    features: int
    weights: NetworkWeights


def run_network(bundle: Bundle, pieces: Sequence[Audio]) -> list[NetworkActivity]:
    """Run the acoustic network of a bundle on utterances, or on the segments of one.

    Raises:
        BundleError: LiteRT cannot run the model.
        ValueError: The audio has another sample rate.
    """
    plain = LiteRTAcousticModel(bundle)  # checks the file, before its weights are read
    pieces = [levelled(piece, bundle.acoustic.features) for piece in pieces]
    try:
        parts = _read_parts(bundle)
    except ValueError as error:
        reason = str(error)
        return [NetworkActivity(plain.outputs(x), None, (), reason=reason) for x in pieces]
    model = LiteRTAcousticModel(bundle, inner={_FEATURES: parts.features})
    return [_activity(bundle.acoustic, model, parts, piece) for piece in pieces]


def _activity(
    spec: AcousticSpec, model: LiteRTAcousticModel, parts: _Parts, audio: Audio
) -> NetworkActivity:
    values = model.inner_values(audio)
    log_probs, stacked = values["output_0"], values[_FEATURES]
    num_frames = spec.features.num_frames(len(audio.samples))
    features = stacked.reshape(-1, spec.features.num_features)[:num_frames]
    layers, found = forward(spec, parts.weights, stacked)
    difference = float(np.abs(np.exp(found) - np.exp(log_probs)).sum(axis=1).mean() / 2)
    if not difference <= MAX_DIFFERENCE * len(head_widths(spec)):
        reason = f"with the weights in the file, probabilities differ by {difference:.2g}"
        return NetworkActivity(log_probs, features, (), reason=reason)
    return NetworkActivity(log_probs, features, layers, difference)


def joined(
    activities: Sequence[NetworkActivity], num_steps: Sequence[int], num_frames: Sequence[int]
) -> NetworkActivity:
    """What the network did with the segments of an utterance, one after the other.

    Args:
        activities: Of the segments, at least one.
        num_steps: The number of steps that each has on the time axis of the whole, as segments do
            not begin with a step: one more or less than its own.
        num_frames: Likewise, the number of frames of the features.
    """
    if len(activities) == 1:
        return activities[0]
    features = [one.features for one in activities if one.features is not None]
    reason = next((one.reason for one in activities if one.reason), "")
    layers: tuple[tuple[DirectionActivity, ...], ...] = ()
    if not reason:
        layers = tuple(
            tuple(_joined_direction(parts, num_steps) for parts in zip(*of_layer, strict=True))
            for of_layer in zip(*(one.layers for one in activities), strict=True)
        )
    return NetworkActivity(
        _concatenated([one.log_probs for one in activities], num_steps),
        _concatenated(features, num_frames) if features else None,
        layers,
        max(one.difference for one in activities),
        reason,
    )


def _joined_direction(
    parts: Sequence[DirectionActivity], num_steps: Sequence[int]
) -> DirectionActivity:
    gates = {
        name: _concatenated([part.gates[name] for part in parts], num_steps)
        for name in parts[0].gates
    }
    memory = _concatenated([part.memory for part in parts], num_steps)
    outputs = _concatenated([part.outputs for part in parts], num_steps)
    return DirectionActivity(gates, memory, outputs, parts[0].kept)


def _concatenated(parts: Sequence[Array], sizes: Sequence[int]) -> Array:
    """The first rows of each part, as many as its size; the last is repeated if it has fewer."""
    return np.concatenate(
        [
            np.pad(part[:size], ((0, size - len(part[:size])), (0, 0)), mode="edge")
            for part, size in zip(parts, sizes, strict=True)
        ]
    )


def _read_parts(bundle: Bundle) -> _Parts:
    """Raises ValueError if the file has no weights of such a network."""
    spec, content = bundle.acoustic, bundle.model_path.read_bytes()
    width = spec.features.num_features * spec.network.frame_stack
    weights = network_weights(
        read_weights(content),
        spec.network.cell,
        spec.network.num_layers,
        is_bidirectional=spec.network.bidirectional,
        has_norms=spec.network.layer_norm,
        num_outputs=len(head_widths(spec)),
        has_look_ahead=spec.network.lookahead > 0,
    )
    return _Parts(recurrent_input(content, width), weights)


def head_widths(spec: AcousticSpec) -> list[int]:
    """The number of labels of each output: characters and, if the model has them, phones."""
    return [alphabet.num_labels for alphabet in (spec.alphabet, spec.phones) if alphabet]


def forward(
    spec: AcousticSpec, weights: NetworkWeights, stacked: Array
) -> tuple[tuple[tuple[DirectionActivity, ...], ...], Array]:
    """Compute the recurrent layers and the outputs above them.

    Args:
        stacked: (num_steps, frame_stack * num_features).

    Returns:
        For each layer its directions, and the log-probabilities (num_steps, width).
    """
    x, layers = stacked, []
    for index, directions in enumerate(weights.layers):
        layer = tuple(
            run_direction(spec.network.cell, cell, x, is_backward=bool(k))
            for k, cell in enumerate(directions)
        )
        layers.append(layer)
        x = np.concatenate([direction.outputs for direction in layer], axis=1)
        if weights.norms:
            x = _normalized(x, *weights.norms[index])
    if weights.ahead is not None:
        x = _with_later_frames(x, weights.ahead)
    return tuple(layers), np.concatenate(
        [_log_softmax(x @ kernel + bias) for kernel, bias in weights.outputs], axis=1
    )


def _normalized(x: Array, gain: Array, offset: Array) -> Array:
    """Layer normalisation over the units of each step."""
    centred = x - x.mean(axis=1, keepdims=True)
    variance = np.square(centred).mean(axis=1, keepdims=True)
    return np.asarray(centred / np.sqrt(variance + _EPSILON) * gain + offset, np.float32)


def _with_later_frames(x: Array, kernel: Array) -> Array:
    """Row convolution: each unit with its own next outputs, which are 0 after the end."""
    padded = np.pad(x, ((0, len(kernel) - 1), (0, 0)))
    terms = [padded[k : k + len(x)] * weights for k, weights in enumerate(kernel)]
    return np.asarray(sum(terms), np.float32)


def _log_softmax(logits: NDArray[np.float32]) -> Array:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)), np.float32)
