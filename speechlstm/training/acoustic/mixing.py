"""Mixing of waveforms with room, noise and gain on the device: `Mixture.mixed` for a batch."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from speechlstm.training.data.augment import Mixture
from speechlstm.training.data.bucketing import pad
from speechlstm.training.data.effects import block_size, gain_factor, noise_factor

Tensor = Any  # a tensor of Keras' backend


def ingredients(
    mixtures: Sequence[Mixture], width: int, num_response_samples: int
) -> dict[str, NDArray[Any]]:
    """What `mixed_on_device` needs besides the speech.

    Args:
        mixtures: The utterances of a batch.
        width: The number of samples to which they are padded.
        num_response_samples: That of the impulse responses of rooms; 0: there are no rooms.

    Returns:
        ``gain_db`` and ``snr_db``, (batch,) float32; ``noise``, (batch, width) float32, 0 without
        noise; with rooms also ``responses``, (batch, num_response_samples) float32.
    """
    silence, direct = np.zeros(0, np.float32), np.ones(1, np.float32)
    noise = [silence if m.noise is None else m.noise for m in mixtures]
    made: dict[str, NDArray[Any]] = {
        "gain_db": np.array([m.gain_db for m in mixtures], np.float32),
        "snr_db": np.array([m.snr_db for m in mixtures], np.float32),
        "noise": pad(noise, width, np.float32)[0],
    }
    if num_response_samples:
        responses = [direct if m.response is None else m.response for m in mixtures]
        made["responses"] = pad(responses, num_response_samples, np.float32)[0]
    return made


def mixed_on_device(inputs: Mapping[str, Tensor]) -> Tensor:
    """Mix a batch of utterances.

    Args:
        inputs: ``samples`` (batch, width) float32, the speech; ``num_samples`` (batch,) int32; and
            what `ingredients` returned.

    Returns:
        (batch, width) float32; 0 after the end of an utterance.
    """
    samples = inputs["samples"]
    if "responses" in inputs:
        samples = _convolve(samples, inputs["responses"])
    steps = ops.arange(ops.shape(samples)[1], dtype="int32")
    samples = ops.where(steps < inputs["num_samples"][:, None], samples, 0.0)
    power, noise_power = (ops.sum(ops.square(x), axis=1) for x in (samples, inputs["noise"]))
    is_noisy = noise_power > 0
    factor = noise_factor(power, ops.where(is_noisy, noise_power, 1.0), inputs["snr_db"])
    samples = samples + inputs["noise"] * ops.where(is_noisy, factor, 0.0)[:, None]
    return samples * gain_factor(inputs["gain_db"])[:, None]


def _convolve(samples: Tensor, responses: Tensor) -> Tensor:
    """`effects.convolve` for a batch: (batch, width) by (batch, num_response_samples)."""
    size = block_size(responses.shape[1])
    hop = size - responses.shape[1] + 1
    batch, width = ops.shape(samples)
    num_blocks = -(-width // hop)
    blocks = ops.pad(samples, ((0, 0), (0, num_blocks * hop - width)))
    real, imaginary = ops.rfft(ops.reshape(blocks, (batch, num_blocks, hop)), size)
    room_real, room_imaginary = ops.rfft(responses[:, None], size)
    product = (
        real * room_real - imaginary * room_imaginary,
        real * room_imaginary + imaginary * room_real,
    )
    filtered = ops.irfft(product, size)
    echoes = ops.pad(filtered[:, :-1, hop:], ((0, 0), (1, 0), (0, 2 * hop - size)))
    return ops.reshape(filtered[:, :, :hop] + echoes, (batch, num_blocks * hop))[:, :width]
