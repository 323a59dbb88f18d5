from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from speechlstm.config import FeatureConfig, NetworkConfig
from speechlstm.training.acoustic.encoder import Encoder
from speechlstm.training.classification.network import ClassifierNetwork, pooled

pytestmark = pytest.mark.slow

FEATURES = FeatureConfig(num_mels=16, num_mfcc=8)
CONFIG = NetworkConfig(num_layers=2, num_units=4, dropout=0.5)


@pytest.fixture(scope="module")
def network() -> ClassifierNetwork:
    keras.utils.set_random_seed(1)
    network = ClassifierNetwork(FEATURES, CONFIG, 3)
    network.output_layer.kernel.assign(keras.random.normal((16, 3)))
    return network


def batch(*lengths: int, width: int) -> dict[str, Any]:
    generator = np.random.default_rng(1)
    samples = np.zeros((len(lengths), width), np.float32)
    for row, length in zip(samples, lengths, strict=True):
        row[:length] = generator.normal(0, 0.1, length)
    return {"samples": samples, "num_samples": np.array(lengths, np.int32)}


def test_pools_the_true_steps_only() -> None:
    x = np.random.default_rng(1).normal(size=(2, 7, 3)).astype(np.float32)
    found = ops.convert_to_numpy(pooled(ops.convert_to_tensor(x), np.array([7, 4], np.int32)))
    for row, steps in zip(found, (x[0], x[1, :4]), strict=True):
        expected = [*steps.mean(axis=0), *steps.std(axis=0)]
        np.testing.assert_allclose(row, expected, atol=1e-4)


def test_padding_changes_nothing(network: ClassifierNetwork) -> None:
    short, long = (network(batch(7000, width=width)) for width in (7000, 12000))
    for a, b in zip(short, long, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_the_loss_is_the_cross_entropy_of_the_utterances_that_count(
    network: ClassifierNetwork,
) -> None:
    outputs = network(batch(7000, 5000, 6000, width=7000))
    labels = np.array([[2, 0], [0, 0], [1, 0]], np.int32)
    logits = ops.convert_to_numpy(outputs[0]).astype(np.float64)
    log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    losses = -log_probs[np.arange(3), labels[:, 0]]
    targets = {"labels": labels, "weights": np.array([1, 0, 1], np.float32)}
    np.testing.assert_allclose(network.utterance_losses(outputs, targets), losses, rtol=1e-4)
    loss = float(network.batch_loss(outputs, targets))
    assert loss == pytest.approx((losses[0] + losses[2]) / 2, rel=1e-4)


def test_views_that_differ_cost_something() -> None:
    network = ClassifierNetwork(FEATURES, CONFIG, 3, consistency=0.5)
    targets = {"labels": np.zeros((2, 1), np.int32), "weights": np.ones(2, np.float32)}
    logits = np.array([[1, 2, 3], [1, 2, 3]], np.float32)
    alike = float(network.batch_loss((logits, None), targets))
    assert alike == pytest.approx(float(np.mean(network.utterance_losses((logits, None), targets))))
    logits[1] = [3, 2, 1]
    found = float(network.batch_loss((logits, None), targets))
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    divergence = (probs[0] * np.log(probs[0] / probs[1])).sum()  # the same in both directions here
    plain = float(np.mean(network.utterance_losses((logits, None), targets)))
    assert found == pytest.approx(plain + 0.5 * divergence, rel=1e-4)


def test_frozen_layers_are_those_of_the_encoder(network: ClassifierNetwork) -> None:
    assert isinstance(network, Encoder)
    num_all = len(network.trainable_variables)
    network.freeze(1)
    assert len(network.trainable_variables) == num_all - 8  # a BiLSTM has 6, a norm 2
    for layer in (network.recurrent[0], network.norms[0]):
        layer.trainable = True
