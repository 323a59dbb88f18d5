from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from speechlstm.audio import Audio
from speechlstm.bundle import read_bundle
from speechlstm.decoding.timed_words import Emission
from speechlstm.training.acoustic.saliency import saliency
from speechlstm.training.acoustic.trained import trained_model

ASSETS = Path(__file__).parents[2] / "assets"


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["interpreter", "gru"])
def test_the_gradient_is_the_slope_of_the_log_probability(cell: str) -> None:
    bundle = read_bundle(ASSETS / f"{cell}.tflite")
    samples = np.random.default_rng(1).normal(0, 0.1, 4800).astype(np.float32)
    samples -= samples.mean()
    path = [Emission(3, 2, 4), Emission(7, 6, 7)]
    found, other = saliency(bundle, Audio(samples, 16000), [path, path[:1]], phones=False)
    assert found.shape == (31, 16)
    assert not np.allclose(found, other)
    if bundle.acoustic.features.normalize == "mean_variance":  # an offset changes nothing
        (same,) = saliency(bundle, Audio(samples + 0.3, 16000), [path], phones=False)
        np.testing.assert_allclose(same, found, rtol=0, atol=2e-3)

    model = trained_model(bundle.path).network
    log_mels, num_frames = model.mfcc.log_mels(samples[np.newaxis], tf.constant([4800]))

    def score(mels: np.ndarray) -> float:
        features = model.mfcc.features(tf.constant(mels), num_frames)
        log_probs = model.log_probs(model.from_features(features, num_frames)[0])[0].numpy()
        return float(log_probs[2:4, 3].sum() + log_probs[6, 7])

    for frame, mel in np.argwhere(np.abs(found) >= np.sort(np.abs(found).ravel())[-3]):
        change = np.zeros(log_mels.shape, np.float32)
        change[0, frame, mel] = 0.1
        slope = (score(log_mels.numpy() + change) - score(log_mels.numpy() - change)) / 0.2
        assert found[frame, mel] == pytest.approx(slope, rel=0.02)
