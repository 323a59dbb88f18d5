"""MFCC as a Keras layer, so that training and the exported model compute the same features.

The layer equals `librosa.feature.mfcc` and `librosa.feature.delta(mode="nearest")`. It uses only
`keras.ops`: it runs on every backend, under XLA, and converts to built-in operators of LiteRT.
"""

import math
from typing import Any, Self

import keras
import numpy as np
from keras import ops

from speechlstm.config import FeatureConfig
from speechlstm.training.layers.mel import dct_matrix, mel_filters

Tensor = Any  # a tensor of Keras' backend

FLOOR = 1e-10  # smallest mel energy
FLOOR_DB = -100.0  # 10 * log10(FLOOR)
TOP_DB = 80.0  # values further below the loudest one of an utterance are raised to this distance
QUIET_DB = -80.0  # the lowest value of running features: later frames may be the loudest ones
DELTA_WIDTH = 9  # frames to which a derivative is fitted
EPSILON = 1e-3  # added to the variance, so that silence gives 0 instead of NaN
# Running features: the standard deviation of coefficient k within an utterance is about
# PRIOR_DEVIATION / (k + 1), as measured on AN4. It counts as much as that of PRIOR_FRAMES frames.
PRIOR_DEVIATION = 70.0
PRIOR_FRAMES = 100


@keras.saving.register_keras_serializable("speechlstm")
class MFCC(keras.layers.Layer):
    """Computes mel-frequency cepstral coefficients of waveforms. The layer has no weights.

    Padding never changes a result, whatever its amount and values: the loudest mel energy, the
    derivatives at the end, mean and variance are those of the true frames.

    Args:
        config: Frame rate, filters, coefficients, derivatives, normalization.

    >>> samples = np.zeros((1, 16000), np.float32)
    >>> features, num_frames = MFCC(FeatureConfig())(samples, np.array([16000], np.int32))
    >>> tuple(features.shape), int(num_frames[0])
    ((1, 101, 40), 101)
    """

    def __init__(self, config: FeatureConfig) -> None:
        super().__init__(name="mfcc", dtype="float32")
        self.built = True
        self.config = config
        self._window = np.hanning(config.window_samples + 1)[:-1].astype(np.float32)  # periodic
        self._filters = mel_filters(config)
        self._dct = dct_matrix(config.num_mels, config.num_mfcc)

    def get_config(self) -> dict[str, Any]:
        """The configuration from which `from_config` builds the same layer; see Keras' Layer."""
        return {"config": self.config.to_dict()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Build the layer that `get_config` describes.

        Raises:
            ConfigError: An unknown or invalid setting of the features.
        """
        return cls(FeatureConfig.from_dict(config["config"]))

    def call(
        self, samples: Tensor, num_samples: Tensor, masks: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Compute the features of a batch of utterances.

        Args:
            samples: (batch, padded_samples) float32 in [-1, 1].
            num_samples: (batch,) int32, number of samples of each utterance.
            masks: SpecAugment's masks, as `masks.draw_masks` returns them:
                (batch, num_time_masks, 2) and (batch, num_frequency_masks, 2) int32, start and
                width of each mask, in frames and in mel filters. Masked values are replaced by the
                mean of their mel filter over the utterance.

        Returns:
            features: (batch, max_frames, config.num_features) float32; 0 in padded frames.
            num_frames: (batch,) int32, number of feature frames of each utterance.
        """
        log_mels, num_frames = self.log_mels(samples, num_samples)
        return self.features(log_mels, num_frames, masks), num_frames

    def features(
        self, log_mels: Tensor, num_frames: Tensor, masks: tuple[Tensor, Tensor] | None = None
    ) -> Tensor:
        """Compute the features of mel spectrograms.

        Args:
            log_mels, num_frames: As log_mels returns them.
            masks: As in call.

        Returns:
            (batch, max_frames, config.num_features) float32; 0 in padded frames.
        """
        true = _true_steps(log_mels, num_frames)
        is_whole = self.config.normalize in ("mean", "mean_variance")
        if is_whole:
            # Makes a constant spectrum exactly 0. Otherwise its cepstrum would be rounded
            # differently in different rows of a matrix product, which the division below amplifies.
            log_mels = log_mels - log_mels[:, :1]
        if masks is not None:
            log_mels = _mask(log_mels, true, *masks)
        features = self.cepstrum(log_mels)
        if self.config.deltas:
            features = _append_deltas(features, true, num_frames, self.config.deltas)
        if self.config.normalize == "running":
            sums = ops.zeros_like(ops.concatenate([features[:, 0]] * 2, axis=-1))
            features, _ = _normalized_so_far(features, true, 0, sums)
        if is_whole:
            features = features - _mean(features, true)
        if self.config.normalize == "mean_variance":
            features = features / ops.sqrt(_mean(ops.square(features), true) + EPSILON)
        return ops.where(true, features, 0.0)

    def continued(
        self, samples: Tensor, first_frame: Tensor, num_frames: Tensor, sums: Tensor, count: Any
    ) -> tuple[Tensor, Tensor]:
        """Compute the next features of utterances, of which earlier samples are not at hand.

        Only for normalize = "running". The result is that of `call` for the whole utterances.

        Args:
            samples: (batch, num_samples), from the start of the window of the first frame on, at
                least to the end of that of the last one; 0 before and after the utterance.
            first_frame: (batch, 1) int32, the number of the first frame; below 0: not in the
                utterance.
            num_frames: (batch, 1) int32, the number of frames of each whole utterance.
            sums: (batch, 2 * num_mfcc), 0 at the start, then as returned.
            count: The number of frames to compute.

        Returns:
            features: (batch, count, num_mfcc); 0 in frames that are not in the utterance.
            sums: Of the coefficients and of their squares, over all frames so far.
        """
        log_mels = self._log_mels(self._cut(samples, count))
        features = self.cepstrum(ops.maximum(log_mels, QUIET_DB))
        frames = first_frame + ops.arange(count, dtype="int32")
        true = ops.logical_and(frames >= 0, frames < num_frames)[..., None]
        features, sums = _normalized_so_far(features, true, first_frame[..., None], sums)
        return ops.where(true, features, 0.0), sums

    def log_mels(self, samples: Tensor, num_samples: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the mel spectrograms of a batch of utterances.

        Args:
            samples: (batch, padded_samples) float32 in [-1, 1].
            num_samples: (batch,) int32, number of samples of each utterance.

        Returns:
            log_mels: (batch, max_frames, num_mels) float32 in dB, at most TOP_DB below the largest
                value of the utterance; running features: at least QUIET_DB.
            num_frames: (batch,) int32, number of feature frames of each utterance.
        """
        num_frames = 1 + num_samples // self.config.hop_samples
        samples = _without_padding(samples, num_samples, self.config.hop_samples)
        log_mels = self._log_mels(self._frames(samples))
        if self.config.normalize == "running":
            return ops.maximum(log_mels, QUIET_DB), num_frames
        true = _true_steps(log_mels, num_frames)
        loudest = ops.max(ops.where(true, log_mels, FLOOR_DB), axis=(1, 2), keepdims=True)
        return ops.maximum(log_mels, loudest - TOP_DB), num_frames

    def _log_mels(self, frames: Tensor) -> Tensor:
        """Mel spectra (..., num_mels) in dB of frames (batch, num_frames, window_samples)."""
        energies = self.mel_energies(self.power_spectrum(frames))
        # log(1) is exactly 0 in every implementation, so all values at the floor are equal.
        return FLOOR_DB + (10 / math.log(10)) * ops.log(ops.maximum(energies / FLOOR, 1.0))

    def power_spectrum(self, frames: Tensor) -> Tensor:
        """Power spectra (..., fft_size // 2 + 1) of frames (batch, num_frames, window_samples)."""
        real, imaginary = ops.rfft(ops.multiply(frames, self._window), self.config.fft_size)
        return ops.square(real) + ops.square(imaginary)

    def mel_energies(self, power: Tensor) -> Tensor:
        """Mel energies (..., num_mels) of power spectra (batch, num_frames, fft_size // 2 + 1)."""
        return ops.matmul(power, self._filters)

    def cepstrum(self, log_mels: Tensor) -> Tensor:
        """Cepstra (..., num_mfcc) of mel spectra (batch, num_frames, num_mels) in dB."""
        return ops.matmul(log_mels, self._dct)

    def _frames(self, samples: Tensor) -> Tensor:
        """Frames (batch, max_frames, window_samples), centred on each hop_samples-th sample."""
        hop, window = self.config.hop_samples, self.config.window_samples
        after = math.ceil(window / hop) * hop
        padded = ops.pad(samples, ((0, 0), (self.config.samples_before, after)))
        return self._cut(padded, 1 + ops.shape(samples)[1] // hop)

    def _cut(self, samples: Tensor, count: Any) -> Tensor:
        """The first frames (batch, count, window_samples), one each hop_samples.

        The waveform is cut into hops, and a frame is the concatenation of adjacent hops. This needs
        only slices: a gather would be slow, and `tf.signal.frame` is not built into LiteRT.
        """
        window, hop = self.config.window_samples, self.config.hop_samples
        hops_per_frame = math.ceil(window / hop)
        num_hops = count + hops_per_frame - 1
        hops = ops.reshape(samples[:, : num_hops * hop], (ops.shape(samples)[0], num_hops, hop))
        pieces = [
            hops[:, i : i + count, : min(hop, window - i * hop)] for i in range(hops_per_frame)
        ]
        return ops.concatenate(pieces, axis=-1)


def _without_padding(samples: Tensor, num_samples: Tensor, hop: int) -> Tensor:
    """Samples (batch, padded_samples) with 0 after the first num_samples (batch,) of each row.

    They are counted by hops. An exported model of one length has the numbers of all steps that a
    mask compares as a constant: those of all samples took 0.6 MB in a model for 10 s.
    """
    batch, padded_samples = ops.shape(samples)
    num_hops = -(-padded_samples // hop)
    left = num_samples[:, None] - hop * ops.arange(num_hops, dtype="int32")
    true = ops.less(ops.arange(hop, dtype="int32"), left[:, :, None])
    true = ops.reshape(true, (batch, num_hops * hop))[:, :padded_samples]
    return ops.where(true, samples, 0.0)


def _true_steps(values: Tensor, lengths: Tensor) -> Tensor:
    """A mask of the steps of values (batch, steps, ...) that are not padding: (batch, steps, 1)."""
    steps = ops.arange(ops.shape(values)[1], dtype="int32")
    true = ops.less(steps, lengths[:, None])
    return true if len(values.shape) == 2 else true[:, :, None]


def _mean(values: Tensor, true: Tensor) -> Tensor:
    """The means (batch, 1, width) of values (batch, steps, width) over the true steps."""
    total = ops.sum(ops.where(true, values, 0.0), axis=1, keepdims=True)
    return total / ops.sum(ops.cast(true, "float32"), axis=1, keepdims=True)


def _normalized_so_far(
    features: Tensor, true: Tensor, num_before: Any, sums: Tensor
) -> tuple[Tensor, Tensor]:
    """Normalise each frame by mean and variance of the frames up to it.

    Viikki, Bye and Laurila, "A recursive feature vector normalization approach for robust speech
    recognition in noise", ICASSP 1998; here all frames count alike, and a few do not make the
    variance: see PRIOR_FRAMES.

    Args:
        features: (batch, num_frames, width).
        true: The frames that are in the utterance: (batch, num_frames, 1).
        num_before: The number of the first frame, as a scalar or (batch, 1, 1).
        sums: (batch, 2 * width), of features and of their squares, over the frames before.

    Returns:
        The normalised features, and the sums over all frames.
    """
    width = features.shape[-1]
    values = ops.where(true, features, 0.0)
    values = ops.concatenate([values, ops.square(values)], axis=-1)
    # Summed from the start of the utterance on, so that rounding does not depend on blocks.
    totals = ops.cumsum(ops.concatenate([sums[:, None], values], axis=1), axis=1)[:, 1:]
    places = ops.arange(ops.shape(features)[1], dtype="int32")[None, :, None]
    count = ops.cast(ops.maximum(num_before + places + 1, 1), "float32")
    mean = totals[..., :width] / count
    scatter = ops.maximum(totals[..., width:] - count * ops.square(mean), 0.0)
    prior = np.square(PRIOR_DEVIATION / np.arange(1, width + 1, dtype=np.float32))
    variance = (scatter + PRIOR_FRAMES * prior) / (count + PRIOR_FRAMES)
    return (features - mean) / ops.sqrt(variance), totals[:, -1]


def _mask(log_mels: Tensor, true: Tensor, time_masks: Tensor, frequency_masks: Tensor) -> Tensor:
    """Apply SpecAugment's masks (Park et al., https://arxiv.org/abs/1904.08779)."""
    frames = _covered(time_masks, ops.shape(log_mels)[1])[:, :, None]
    mels = _covered(frequency_masks, ops.shape(log_mels)[2])[:, None, :]
    return ops.where(ops.logical_or(frames, mels), _mean(log_mels, true), log_mels)


def _covered(masks: Tensor, num_steps: int) -> Tensor:
    """A mask (batch, num_steps) of the steps that any of (batch, num_masks, 2) covers."""
    start, width = masks[:, :, :1], masks[:, :, 1:]
    steps = ops.arange(num_steps, dtype="int32")
    return ops.any(ops.logical_and(steps >= start, steps < start + width), axis=1)


def _append_deltas(features: Tensor, true: Tensor, num_frames: Tensor, orders: int) -> Tensor:
    """Append the time derivatives of the features, up to an order.

    Derivative k is that of the polynomial of degree k with the least squared error over DELTA_WIDTH
    frames (Savitzky and Golay, 1964). At the edges, the first and the last true frame are repeated.
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
