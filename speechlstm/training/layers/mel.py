"""The mel filters and the cosine transform of MFCC, as matrices."""

import numpy as np
from numpy.typing import NDArray

from speechlstm.config import FeatureConfig


def mel_filters(config: FeatureConfig) -> NDArray[np.float32]:
    """Triangular mel filters with an area of 1 Hz each, as librosa's `norm="slaney"`.

    Returns:
        (fft_size // 2 + 1, num_mels) float32.

    >>> mel_filters(FeatureConfig()).shape
    (257, 40)
    """
    edges = mel_edges(config)
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    hertz = np.linspace(0, config.sample_rate / 2, config.fft_size // 2 + 1)[:, np.newaxis]
    triangles = np.minimum((hertz - left) / (centre - left), (right - hertz) / (right - centre))
    return np.asarray(triangles.clip(0) * 2 / (right - left), np.float32)


def mel_edges(config: FeatureConfig) -> NDArray[np.float64]:
    """The edges of the mel filters in Hz, which are evenly spaced in mel.

    Filter k rises from edge k to edge k + 1 and falls to edge k + 2. The scale is Slaney's
    (Auditory Toolbox, Interval Research 1998-010): linear up to 1 kHz, which is 15 mel, then
    logarithmic, by a factor of 6.4 in 27 mel.

    Returns:
        (num_mels + 2,) float64.

    >>> mel_edges(FeatureConfig(num_mels=2, num_mfcc=2, low_hz=0.0)).round()
    array([   0., 1006., 2836., 8000.])
    """
    limits = np.array([config.low_hz, config.high_hz])
    low, high = np.where(
        limits < 1000, limits * 15 / 1000, 15 + 27 * np.log(limits.clip(1) / 1000) / np.log(6.4)
    )
    mels = np.linspace(low, high, config.num_mels + 2)
    return np.where(mels < 15, mels * 1000 / 15, 1000 * 6.4 ** ((mels - 15) / 27))


def dct_matrix(num_inputs: int, num_outputs: int) -> NDArray[np.float32]:
    """The first `num_outputs` columns of the orthonormal DCT-II.

    Returns:
        (num_inputs, num_outputs) float32.

    >>> matrix = dct_matrix(4, 4)
    >>> bool(np.allclose(matrix.T @ matrix, np.eye(4), atol=1e-6))
    True
    """
    phases = np.outer(np.arange(num_inputs) + 0.5, np.arange(num_outputs)) * np.pi / num_inputs
    matrix = np.cos(phases) * np.sqrt(2 / num_inputs)
    matrix[:, 0] /= np.sqrt(2)
    return np.asarray(matrix, np.float32)
