"""Reads the weights of a network from the .tflite file of its bundle."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from speechlstm.audio import Audio
from speechlstm.bundle import Bundle, ClassifierBundle
from speechlstm.errors import BundleError
from speechlstm.tflite.weights import network_weights, read_weights
from speechlstm.training.acoustic.encoder import Encoder

MAX_DIFFERENCE = 0.05  # mean total variation distance of probabilities


def assign_stored_weights(
    network: Encoder,
    output_layers: Sequence[Any],
    bundle: Bundle | ClassifierBundle,
    log_probs: Callable[[dict[str, Any]], Any],
    file_log_probs: Callable[[Audio], NDArray[np.float32]],
) -> None:
    """Give a network the weights in the .tflite file of a bundle.

    Another version may have ordered them differently, so the outputs of both are compared.

    Args:
        log_probs: The network's log-probabilities (1, ..., width) for a batch of one utterance.
        file_log_probs: Those of the file (..., width).

    Raises:
        BundleError: The weights do not fit the network, or give other results than the file.
    """
    try:
        _assign(network, output_layers, read_weights(bundle.model_path.read_bytes()))
    except ValueError as error:
        raise _unreadable(bundle, f"{error}") from None
    rate = network.features.sample_rate
    samples = np.random.default_rng(0).normal(0, 0.1, rate).astype(np.float32)
    batch = {"samples": samples[np.newaxis], "num_samples": np.array([rate], np.int32)}
    found = np.exp(ops.convert_to_numpy(log_probs(batch))[0])
    expected = np.exp(file_log_probs(Audio(samples, rate)))
    difference = float(np.abs(found - expected).sum(axis=-1).mean() / 2)
    if not difference <= MAX_DIFFERENCE:
        raise _unreadable(
            bundle,
            f"with them, probabilities differ by {difference:.2g}, the limit is {MAX_DIFFERENCE:g}",
        )


def _unreadable(bundle: Bundle | ClassifierBundle, reason: str) -> BundleError:
    return BundleError(bundle.path, f"its weights cannot be read: {reason}; name the run instead")


def _assign(
    network: Encoder, output_layers: Sequence[Any], values: Iterator[NDArray[np.float32]]
) -> None:
    """Assign weights in the order of read_weights; raises ValueError if they do not fit."""
    config = network.config
    weights = network_weights(
        values,
        config.cell,
        config.num_layers,
        is_bidirectional=config.bidirectional,
        has_norms=config.layer_norm,
        has_look_ahead=config.lookahead > 0,
        num_outputs=len(output_layers),
    )
    for layer, directions in zip(network.recurrent, weights.layers, strict=True):
        cells = [v for w in directions for v in (w.kernel, w.recurrent, w.bias)]
        layer.set_weights(cells)
    for layer, values_of in zip(
        (*network.norms, *output_layers), (*weights.norms, *weights.outputs), strict=True
    ):
        layer.set_weights(values_of)
    if network.ahead:
        network.ahead.set_weights([weights.ahead])
