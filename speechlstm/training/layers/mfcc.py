"""MFCC as a Keras layer, so that training and a phone compute the same numbers.

The layer equals `librosa.feature.mfcc` and `librosa.feature.delta(mode="nearest")`. It uses nothing
but `keras.ops`: it runs on every backend, under XLA, and converts to LiteRT's built-in operations.
"""

import math
from typing import Any, Self

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from speechlstm.config import FeatureConfig

Tensor = Any  # of whichever backend Keras runs on

FLOOR = 1e-10  # least mel energy
FLOOR_DB = -100.0  # 10 * log10(FLOOR)
TOP_DB = 80.0  # what lies further below the loudest cell of an utterance is raised to it
DELTA_WIDTH = 9  # frames that a derivative is fitted to
EPSILON = 1e-3  # added to a variance, so that silence gives 0 and not NaN


@keras.saving.register_keras_serializable("speechlstm")
class MFCC(keras.layers.Layer):
    """Waveforms to mel-frequency cepstral coefficients. It has no weights.

    Neither the amount of padding nor what stands in it changes a result: the loudest cell, the
    derivatives at the end, mean and variance are those of the true frames.

    Args:
        config: Frame rate, filters, coefficients, derivatives, normalisation.
    """

    def __init__(self, config: FeatureConfig) -> None:
        super().__init__(name="mfcc", dtype="float32")
        self.built = True
        self.config = config
        self._window = np.hanning(config.window_samples + 1)[:-1].astype(np.float32)  # periodic
        self._filters = mel_filters(config)
        self._dct = dct_matrix(config.num_mels, config.num_mfcc)

    def get_config(self) -> dict[str, Any]:
        """What `from_config` makes the same layer of; see Keras' Layer."""
        return {"config": self.config.to_dict()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The layer that `get_config` describes.

        Raises:
            ConfigError: It describes no features.
        """
        return cls(FeatureConfig.from_dict(config["config"]))

    def call(
        self, samples: Tensor, num_samples: Tensor, masks: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Features of a batch of utterances.

        Args:
            samples: (batch, padded_samples) float32 in [-1, 1].
            num_samples: (batch,) int32, true lengths.
            masks: SpecAugment's, as drawn by `augment.draw_masks`: (batch, num_time_masks, 2) and
                (batch, num_frequency_masks, 2) int32, each mask a start and a width, in frames
                and in mel filters. A masked cell takes its filter's mean over the utterance.

        Returns:
            features: (batch, max_frames, config.num_features) float32; padded frames are 0.
            num_frames: (batch,) int32, config.num_frames of each utterance.
        """
        log_mels, num_frames = self.log_mels(samples, num_samples)
        true = _true_steps(log_mels, num_frames)
        if self.config.normalize != "none":
            # A constant is 0 from here on, exactly. Its cepstrum is a sum that rounds differently
            # in different rows of a matrix product, and the division below would amplify that.
            log_mels = log_mels - log_mels[:, :1]
        if masks is not None:
            log_mels = _mask(log_mels, true, *masks)
        features = self.cepstrum(log_mels)
        if self.config.deltas:
            features = _append_deltas(features, true, num_frames, self.config.deltas)
        if self.config.normalize != "none":
            features = features - _mean(features, true)
        if self.config.normalize == "mean_variance":
            features = features / ops.sqrt(_mean(ops.square(features), true) + EPSILON)
        return ops.where(true, features, 0.0), num_frames

    def log_mels(self, samples: Tensor, num_samples: Tensor) -> tuple[Tensor, Tensor]:
        """Mel spectrograms of a batch of utterances.

        Args:
            samples: (batch, padded_samples) float32 in [-1, 1].
            num_samples: (batch,) int32, true lengths.

        Returns:
            log_mels: (batch, max_frames, num_mels) float32 in dB, at most TOP_DB below the
                utterance's loudest cell.
            num_frames: (batch,) int32.
        """
        num_frames = 1 + num_samples // self.config.hop_samples
        samples = ops.where(_true_steps(samples, num_samples), samples, 0.0)
        energies = self.mel_energies(self.power_spectrum(self._frames(samples)))
        # log(1) is 0 in any implementation: the floor is the same number in every cell.
        log_mels = FLOOR_DB + (10 / math.log(10)) * ops.log(ops.maximum(energies / FLOOR, 1.0))
        true = _true_steps(log_mels, num_frames)
        loudest = ops.max(ops.where(true, log_mels, FLOOR_DB), axis=(1, 2), keepdims=True)
        return ops.maximum(log_mels, loudest - TOP_DB), num_frames

    def power_spectrum(self, frames: Tensor) -> Tensor:
        """Windowed frames (batch, num_frames, window_samples) to (..., fft_size // 2 + 1)."""
        real, imaginary = ops.rfft(ops.multiply(frames, self._window), self.config.fft_size)
        return ops.square(real) + ops.square(imaginary)

    def mel_energies(self, power: Tensor) -> Tensor:
        """Power spectra (batch, num_frames, fft_size // 2 + 1) to (batch, num_frames, num_mels)."""
        return ops.matmul(power, self._filters)

    def cepstrum(self, log_mels: Tensor) -> Tensor:
        """Mel spectra (batch, num_frames, num_mels) to (batch, num_frames, num_mfcc)."""
        return ops.matmul(log_mels, self._dct)

    def _frames(self, samples: Tensor) -> Tensor:
        """Frames (batch, max_frames, window_samples) around every hop_samples-th sample.

        Cut into hops, a frame is a few neighbours side by side: slices and one concatenation, where
        a gather would be slow and `tf.signal.frame` no LiteRT built-in.
        """
        window, hop = self.config.window_samples, self.config.hop_samples
        fft_size = self.config.fft_size
        before = fft_size // 2 - (fft_size - window) // 2  # librosa centres the window in the FFT
        hops_per_frame = math.ceil(window / hop)
        batch, padded_samples = ops.shape(samples)
        max_frames = 1 + padded_samples // hop
        num_hops = max_frames + hops_per_frame - 1
        padded = ops.pad(samples, ((0, 0), (before, hops_per_frame * hop)))
        hops = ops.reshape(padded[:, : num_hops * hop], (batch, num_hops, hop))
        pieces = [
            hops[:, i : i + max_frames, : min(hop, window - i * hop)] for i in range(hops_per_frame)
        ]
        return ops.concatenate(pieces, axis=-1)


def mel_filters(config: FeatureConfig) -> NDArray[np.float32]:
    """Triangular filters (fft_size // 2 + 1, num_mels), each of area 1 over Hz."""
    edges = mel_edges(config)
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    hertz = np.linspace(0, config.sample_rate / 2, config.fft_size // 2 + 1)[:, np.newaxis]
    triangles = np.minimum((hertz - left) / (centre - left), (right - hertz) / (right - centre))
    return np.asarray(triangles.clip(0) * 2 / (right - left), np.float32)


def mel_edges(config: FeatureConfig) -> NDArray[np.float64]:
    """Frequencies in Hz, evenly spaced in mel: filter k rises from edge k to k + 1, falls to k + 2.

    The scale (Slaney, Auditory Toolbox, Interval Research 1998-010) is linear up to 1 kHz, with
    15 mels there, and then grows by a factor of 6.4 every 27 mels.

    Returns:
        (num_mels + 2,).
    """
    limits = np.array([config.low_hz, config.high_hz])
    low, high = np.where(
        limits < 1000, limits * 15 / 1000, 15 + 27 * np.log(limits.clip(1) / 1000) / np.log(6.4)
    )
    mels = np.linspace(low, high, config.num_mels + 2)
    return np.where(mels < 15, mels * 1000 / 15, 1000 * 6.4 ** ((mels - 15) / 27))


def dct_matrix(num_inputs: int, num_outputs: int) -> NDArray[np.float32]:
    """The first columns (num_inputs, num_outputs) of the orthonormal DCT-II."""
    phases = np.outer(np.arange(num_inputs) + 0.5, np.arange(num_outputs)) * np.pi / num_inputs
    matrix = np.cos(phases) * np.sqrt(2 / num_inputs)
    matrix[:, 0] /= np.sqrt(2)
    return np.asarray(matrix, np.float32)


def _true_steps(values: Tensor, lengths: Tensor) -> Tensor:
    """Where values (batch, steps, ...) are no padding: bool (batch, steps, 1, ...)."""
    steps = ops.arange(ops.shape(values)[1], dtype="int32")
    true = ops.less(steps, lengths[:, None])
    return true if len(values.shape) == 2 else true[:, :, None]


def _mean(values: Tensor, true: Tensor) -> Tensor:
    """Means (batch, 1, width) of values (batch, steps, width) over the true steps."""
    total = ops.sum(ops.where(true, values, 0.0), axis=1, keepdims=True)
    return total / ops.sum(ops.cast(true, "float32"), axis=1, keepdims=True)


def _mask(log_mels: Tensor, true: Tensor, time_masks: Tensor, frequency_masks: Tensor) -> Tensor:
    """SpecAugment: Park et al., https://arxiv.org/abs/1904.08779, without time warping."""
    frames = _covered(time_masks, ops.shape(log_mels)[1])[:, :, None]
    mels = _covered(frequency_masks, ops.shape(log_mels)[2])[:, None, :]
    return ops.where(ops.logical_or(frames, mels), _mean(log_mels, true), log_mels)


def _covered(masks: Tensor, num_steps: int) -> Tensor:
    """Steps (batch, num_steps) under any of the masks (batch, num_masks, 2)."""
    start, width = masks[:, :, :1], masks[:, :, 1:]
    steps = ops.arange(num_steps, dtype="int32")
    return ops.any(ops.logical_and(steps >= start, steps < start + width), axis=1)


def _append_deltas(features: Tensor, true: Tensor, num_frames: Tensor, orders: int) -> Tensor:
    """Features followed by their time derivatives up to an order.

    Derivative k is that of the polynomial of degree k that fits DELTA_WIDTH frames best (Savitzky
    and Golay, 1964); before the first and after the true last frame, those two are repeated.
    """
    reach = DELTA_WIDTH // 2
    max_frames = ops.shape(features)[1]
    at_last = ops.equal(ops.arange(max_frames, dtype="int32"), num_frames[:, None] - 1)[:, :, None]
    last = ops.sum(ops.where(at_last, features, 0.0), axis=1, keepdims=True)
    extended = ops.concatenate(
        [features[:, :1]] * reach + [ops.where(true, features, last)] + [last] * reach, axis=1
    )
    neighbours = [extended[:, i : i + max_frames] for i in range(DELTA_WIDTH)]
    offsets = np.arange(-reach, reach + 1)
    derivatives = []
    for order in range(1, orders + 1):
        fit = np.linalg.pinv(np.vander(offsets, order + 1, increasing=True))
        weights = math.factorial(order) * fit[order]
        derivatives.append(sum(float(w) * n for w, n in zip(weights, neighbours, strict=True)))
    return ops.concatenate([features, *derivatives], axis=-1)
