"""Rounding of the recurrent layers to four bits that changes their products least.

Rounded to the nearest, each weight is off by a little, and the errors add up. Here the weights of
an output are rounded one after the other, and those still to come make up for the error, as far as
the inputs of the layer, measured on recordings, are correlated: GPTQ (Frantar et al., 2023,
https://arxiv.org/abs/2210.17323). It costs nothing at run time, and needs no training.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speechlstm.arguments import StrPath
from speechlstm.audio import Audio, read_audio
from speechlstm.corpora.manifest import Manifest
from speechlstm.tflite import four_bits
from speechlstm.training.acoustic.encoder import stack_frames
from speechlstm.training.acoustic.network import AcousticNetwork

MAX_RECORDINGS = 64
_BATCH = 16
_DAMPING = 0.01  # of the mean variance, added to each, as in the paper

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Kernel:
    """The kernels of all gates that multiply one vector.

    Attributes:
        weight: Keras' variable.
        values: Its values, (width, num_outputs).
        covariance: The sum of x x^T over the vectors x that it multiplies, (width, width).
    """

    weight: Any
    values: Matrix
    covariance: Matrix


def read_calibration(manifests: Sequence[StrPath], sample_rate: int) -> list[Audio]:
    """Read MAX_RECORDINGS recordings at most, evenly spaced over the manifests.

    Raises:
        DataError: A manifest or recording cannot be read, or a manifest is empty.
    """
    sources = [m.recording(u) for m in (Manifest(path) for path in manifests) for u in m]
    return [read_audio(s, sample_rate) for s in sources[:: -(-len(sources) // MAX_RECORDINGS)]]


def with_rounded_kernels(model: AcousticNetwork, audios: Sequence[Audio]) -> AcousticNetwork:
    """A copy of a model whose recurrent kernels `quantize` stores in four bits as they are.

    Args:
        audios: Recordings like those that it will be used on; a few minutes are enough.
    """
    copy = AcousticNetwork(model.features, model.config, model.num_labels, model.num_phones)
    copy.set_weights(model.get_weights())
    for kernel in measured_kernels(copy, audios):
        kernel.weight.assign(rounded_to_four_bits(kernel.values, kernel.covariance))
    return copy


def rounded_to_four_bits(values: Matrix, covariance: Matrix) -> Matrix:
    """Round a kernel to multiples of a scale for each output, with its products near to before.

    Args:
        values: (width, num_outputs).
        covariance: Of the inputs, (width, width), up to a factor.

    Returns:
        (width, num_outputs).
    """
    scales = four_bits.row_scales(values.T)[:, 0]
    variances = np.diag(covariance)
    order = np.argsort(-variances, kind="stable")  # what matters most, while errors are few
    damped = covariance + (_DAMPING * variances.mean() or 1.0) * np.eye(len(values))
    upper = np.linalg.cholesky(np.linalg.inv(damped[np.ix_(order, order)])).T
    left, result = values[order], np.empty_like(values)
    for i, row in enumerate(left):
        result[i] = four_bits.rounded(row, scales) * scales
        left[i + 1 :] -= np.outer(upper[i, i + 1 :], (row - result[i]) / upper[i, i])
    return result[np.argsort(order)]


def measured_kernels(model: AcousticNetwork, audios: Sequence[Audio]) -> list[Kernel]:
    """The kernels of the recurrent layers, with the covariance of what they multiply.

    Returns:
        Of each direction of each layer the kernel of its inputs and that of its last outputs.
    """
    totals: dict[tuple[int, int], Matrix] = {}
    for samples, num_samples in batches(audios):
        frames, num_frames = model.mfcc(samples, num_samples=num_samples)
        x, num_steps = stack_frames(frames, num_frames, model.config.frame_stack)
        is_true = np.arange(x.shape[1])[None, :, None] < np.asarray(num_steps)[:, None, None]
        for number, layer in enumerate(model.recurrent):
            outputs = layer(x, num_steps)
            directions = np.split(
                np.asarray(outputs), outputs.shape[-1] // layer.num_units, axis=-1
            )
            for k, vectors in enumerate([x, *directions]):
                totals[number, k] = totals.get((number, k), 0) + _products(vectors)
            x = model.norms[number](outputs) if model.norms else outputs
            x = x * is_true
    return [
        Kernel(weight, np.asarray(weight, np.float64), totals[number, k])
        for number, layer in enumerate(model.recurrent)
        for direction in range(len(layer.weights) // 3)
        for weight, k in zip(layer.weights[3 * direction :][:2], (0, direction + 1), strict=True)
    ]


def _products(x: Any) -> Matrix:
    rows = np.asarray(x, np.float64).reshape(-1, x.shape[-1])
    return rows.T @ rows


def batches(audios: Sequence[Audio]) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int32]]]:
    """Padded samples and lengths; the recordings keep their order."""
    for start in range(0, len(audios), _BATCH):
        samples = [audio.samples for audio in audios[start : start + _BATCH]]
        lengths = np.array([len(s) for s in samples], np.int32)
        yield np.stack([np.pad(s, (0, lengths.max() - len(s))) for s in samples]), lengths
