"""The MFCC layer against librosa and scipy, alone and in padded batches, on every backend."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from speechlstm.config import FeatureConfig
from speechlstm.training.layers.mfcc import FLOOR_DB, MFCC

SAMPLES = Path(__file__).parents[3] / "data" / "samples"
RAW = FeatureConfig(normalize="none", deltas=2)
CONFIGS = {
    "default with deltas": RAW,
    "long window, few coefficients": FeatureConfig(
        normalize="none", window_ms=32, num_mels=80, num_mfcc=13, deltas=1
    ),
    "telephone, odd window": FeatureConfig(
        normalize="none",
        sample_rate=8000,
        window_ms=25.125,
        num_mels=23,
        num_mfcc=13,
        low_hz=100,
        high_hz=3800,
    ),
}
NO_MASKS = np.zeros((1, 0, 2), np.int32)

Samples = NDArray[np.float32]


def synthetic() -> list[Samples]:
    """A sweep in noise, noise of a length that is no whole number of hops, silence, a blip."""
    generator = np.random.default_rng(1)
    sweep = np.sin(np.cumsum(np.linspace(0.05, 2.5, 8000)))
    signals = [
        0.3 * sweep + generator.normal(0, 0.01, 8000),
        generator.normal(0, 0.1, 5123),
        np.zeros(4000),
        generator.normal(0, 0.1, 100),
    ]
    return [s.astype(np.float32) for s in signals]


def batch(signals: list[Samples]) -> tuple[Samples, NDArray[np.int32]]:
    """Signals side by side, not a number where there is only padding."""
    lengths = np.array([len(s) for s in signals], np.int32)
    samples = np.full((len(signals), lengths.max() + 777), np.nan, np.float32)
    for row, signal in zip(samples, signals, strict=True):
        row[: len(signal)] = signal
    return samples, lengths


def reference(samples: Samples, config: FeatureConfig) -> NDArray[np.float32]:
    """librosa's (num_frames, num_features)."""
    import librosa  # slow to import: for slow tests alone

    cepstrum = librosa.feature.mfcc(
        y=samples,
        sr=config.sample_rate,
        n_mfcc=config.num_mfcc,
        n_fft=config.fft_size,
        win_length=config.window_samples,
        hop_length=config.hop_samples,
        n_mels=config.num_mels,
        fmin=config.low_hz,
        fmax=config.high_hz,
        pad_mode="constant",
    )
    deltas = [
        librosa.feature.delta(cepstrum, width=9, order=order, mode="nearest")
        for order in range(1, config.deltas + 1)
    ]
    return np.concatenate([cepstrum, *deltas]).T


def assert_equals_librosa(signals: list[Samples], config: FeatureConfig) -> None:
    features, num_frames = map(np.asarray, MFCC(config)(*batch(signals)))
    assert list(num_frames) == [config.num_frames(len(s)) for s in signals]
    for signal, found, length in zip(signals, features, num_frames, strict=True):
        expected = reference(signal, config)
        assert expected.shape == (length, config.num_features)
        np.testing.assert_allclose(found[:length], expected, rtol=1e-3, atol=1e-3)
        assert not found[length:].any()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:n_fft=.* is too large:UserWarning")
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_equals_librosa_on_tones_noise_and_silence(config: FeatureConfig) -> None:
    assert_equals_librosa(synthetic(), config)


@pytest.mark.slow
def test_equals_librosa_on_the_samples() -> None:
    files = sorted(SAMPLES.glob("*.wav"))[:3]
    assert files
    assert_equals_librosa([soundfile.read(f, dtype="float32")[0] for f in files], RAW)


@pytest.mark.slow
@pytest.mark.parametrize("corpus", ["an4/train.jsonl", "librispeech/valid.jsonl"])
def test_equals_librosa_on_real_speech(corpora: Path, corpus: str) -> None:
    manifest = corpora / corpus
    with manifest.open() as lines:
        utterances = [json.loads(next(lines)) for _ in range(4)]
    files = [manifest.parent / u["audio"] for u in utterances]
    assert_equals_librosa([soundfile.read(f, dtype="float32")[0] for f in files], RAW)


@pytest.mark.parametrize(
    ("normalize", "deltas"),
    [
        ("mean", 2),
        *(pytest.param(*c, marks=pytest.mark.slow) for c in (("mean_variance", 2), ("running", 0))),
    ],
)
def test_a_batch_changes_nothing(normalize: str, deltas: int) -> None:
    layer = MFCC(FeatureConfig.from_dict({"deltas": deltas, "normalize": normalize}))
    signals = synthetic()
    together, num_frames = map(np.asarray, layer(*batch(signals)))
    for signal, found, length in zip(signals, together, num_frames, strict=True):
        alone, _ = layer(signal[None], np.array([len(signal)], np.int32))
        np.testing.assert_allclose(found[:length], np.asarray(alone)[0], atol=2e-4)


def test_normalises_over_the_true_frames() -> None:
    signals = synthetic()[:2]
    raw, num_frames = map(np.asarray, MFCC(RAW)(*batch(signals)))
    normal, _ = MFCC(FeatureConfig(deltas=2))(*batch(signals))
    for coefficients, found, length in zip(raw, np.asarray(normal), num_frames, strict=True):
        true = coefficients[:length].astype(np.float64)
        expected = (true - true.mean(0)) / np.sqrt(true.var(0) + 1e-3)
        np.testing.assert_allclose(found[:length], expected, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("normalize", ["mean", "mean_variance"])
@pytest.mark.parametrize("batch_size", [1, 2, 7])
def test_silence_normalises_to_zero_in_any_batch(normalize: str, batch_size: int) -> None:
    layer = MFCC(FeatureConfig.from_dict({"deltas": 2, "normalize": normalize}))
    for num_samples in (*range(1, 4002, 500), 16000, 160_001 // batch_size):
        signals = [np.zeros(num_samples, np.float32)] * batch_size
        features, _ = layer(*batch(signals))
        assert not np.asarray(features).any(), num_samples


def test_masked_silence_normalises_to_zero() -> None:
    samples, num_samples = np.zeros((1, 8000), np.float32), np.array([8000], np.int32)
    masks = np.array([[[0, 7]]], np.int32), np.array([[[3, 5]]], np.int32)
    features, _ = MFCC(FeatureConfig(deltas=2))(samples, num_samples, masks)
    assert not np.asarray(features).any()


def test_a_config_makes_the_same_layer() -> None:
    layer = MFCC(CONFIGS["telephone, odd window"])
    config = json.loads(json.dumps(layer.get_config()))
    again = MFCC.from_config(config)
    assert again.config == layer.config
    signals = batch(synthetic())
    np.testing.assert_array_equal(again(*signals)[0], layer(*signals)[0])


def test_log_mels_reach_no_lower_than_80_db_below_the_loudest() -> None:
    signals = synthetic()
    log_mels, num_frames = map(np.asarray, MFCC(RAW).log_mels(*batch(signals)))
    for rows, length in zip(log_mels[:2], num_frames, strict=False):
        assert rows[:length].min() >= rows[:length].max() - 80
    np.testing.assert_allclose(log_mels[2, : num_frames[2]], FLOOR_DB, atol=1e-4)  # silence


def test_masked_cells_take_their_filters_mean() -> None:
    from scipy.fft import idct

    # With as many coefficients as filters, scipy's inverse of the DCT gives the log mels back.
    layer = MFCC(FeatureConfig(normalize="none"))
    samples, num_samples = batch(synthetic()[:2])
    time_masks = np.array([[[5, 7], [30, 0]], [[0, 3], [2, 6]]], np.int32)
    frequency_masks = np.array([[[10, 4]], [[39, 1]]], np.int32)
    log_mels, num_frames = map(np.asarray, layer.log_mels(samples, num_samples))
    masked, _ = layer(samples, num_samples, (time_masks, frequency_masks))
    expected = log_mels.copy()
    for i, length in enumerate(num_frames):
        mean = log_mels[i, :length].mean(0)
        for start, width in time_masks[i]:
            expected[i, start : start + width] = mean
        for start, width in frequency_masks[i]:
            expected[i, :, start : start + width] = mean[start : start + width]
        found = idct(np.asarray(masked)[i, :length], norm="ortho")
        np.testing.assert_allclose(found, expected[i, :length], atol=1e-3)


def test_no_masks_mask_nothing() -> None:
    layer = MFCC(RAW)
    samples, num_samples = batch(synthetic()[:1])
    plain, _ = layer(samples, num_samples)
    masked, _ = layer(samples, num_samples, (NO_MASKS, NO_MASKS))
    np.testing.assert_array_equal(plain, masked)


def test_has_no_weights() -> None:
    assert not MFCC(RAW).weights


@pytest.mark.slow
def test_compiles_with_xla() -> None:
    layer = MFCC(RAW)
    samples, num_samples = batch(synthetic())
    eager, _ = layer(samples, num_samples)
    compiled, _ = tf.function(layer, jit_compile=True)(
        tf.constant(samples), tf.constant(num_samples)
    )
    np.testing.assert_allclose(eager, compiled, atol=2e-3)


@pytest.mark.slow
def test_converts_to_lite_built_ins_of_any_length() -> None:
    layer = MFCC(FeatureConfig(deltas=2))

    @tf.function(input_signature=[tf.TensorSpec([1, None], tf.float32)])
    def features(samples: tf.Tensor) -> tf.Tensor:
        return layer(samples, tf.shape(samples)[1:])[0]

    concrete = features.get_concrete_function()
    model = tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()
    interpreter = Interpreter(model_content=model)
    (source,), (sink,) = interpreter.get_input_details(), interpreter.get_output_details()
    for num_samples in (100, 159, 160, 8000, 5000):
        samples = np.random.default_rng(num_samples).normal(0, 0.1, (1, num_samples))
        samples = samples.astype(np.float32)
        interpreter.resize_tensor_input(source["index"], samples.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(source["index"], samples)
        interpreter.invoke()
        found = interpreter.get_tensor(sink["index"])
        np.testing.assert_allclose(found, features(samples), atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_equals_librosa_on_other_backends(backend: str) -> None:
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    tests = [
        f"{__file__}::test_equals_librosa_on_tones_noise_and_silence",
        f"{__file__}::test_a_batch_changes_nothing",
        f"{__file__}::test_masked_cells_take_their_filters_mean",
    ]
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests],
        env={**os.environ, "KERAS_BACKEND": backend},
        check=True,
    )


RUNNING = FeatureConfig(normalize="running", num_mels=24, num_mfcc=13)


def test_running_features_are_normalised_by_the_frames_so_far() -> None:
    from scipy.fft import dct

    signals = synthetic()[:2]
    features, num_frames = map(np.asarray, MFCC(RUNNING)(*batch(signals)))
    log_mels, _ = map(np.asarray, MFCC(RUNNING).log_mels(*batch(signals)))
    assert log_mels.min() >= -80
    for mels, found, length in zip(log_mels.astype(np.float64), features, num_frames, strict=True):
        cepstra = dct(mels, norm="ortho")[:, :13]
        prior = (70 / np.arange(1, 14)) ** 2
        for t in range(length):
            so_far = cepstra[: t + 1]
            variance = ((t + 1) * so_far.var(0) + 100 * prior) / (t + 101)
            expected = (cepstra[t] - so_far.mean(0)) / np.sqrt(variance)
            np.testing.assert_allclose(found[t], expected, atol=2e-4)


def test_running_features_depend_on_nothing_that_follows() -> None:
    signal = synthetic()[0]
    whole, _ = map(np.asarray, MFCC(RUNNING)(*batch([signal])))
    num_samples = len(signal) // 2
    half, _ = map(np.asarray, MFCC(RUNNING)(*batch([signal[:num_samples]])))
    known = (num_samples - 200) // 160 + 1  # frames whose window has come
    np.testing.assert_allclose(half[0, :known], whole[0, :known], atol=1e-5)


@pytest.mark.slow
def test_features_of_pieces_are_those_of_the_whole() -> None:
    layer, signal = MFCC(RUNNING), synthetic()[0]
    whole, num_frames = map(np.asarray, layer(*batch([signal])))
    padded = np.pad(signal, (200, 4000))[np.newaxis]  # the first window begins 200 samples earlier
    sums, found = np.zeros((1, 26), np.float32), []
    for first in range(-7, int(num_frames[0]) + 9, 7):
        before = max(0, -first * 160)
        samples = np.pad(padded[:, max(0, first * 160) :], ((0, 0), (before, 0)))
        piece, sums = layer.continued(
            samples, np.array([[first]], np.int32), num_frames[:, np.newaxis], sums, 7
        )
        found.append(np.asarray(piece)[0])
    pieces = np.concatenate(found)
    assert not pieces[:7].any()
    true = int(num_frames[0])
    np.testing.assert_allclose(pieces[7 : 7 + true], whole[0, :true], atol=1e-5)
    assert not pieces[7 + true :].any()
