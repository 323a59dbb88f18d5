from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from speechlstm.acoustic import LiteRTAcousticModel
from speechlstm.audio import Audio
from speechlstm.bundle import AcousticSpec, Bundle
from speechlstm.config import FeatureConfig, NetworkConfig
from speechlstm.errors import BundleError, ConfigError
from speechlstm.text.alphabet import Alphabet
from speechlstm.training.acoustic.conversion import convert_acoustic
from speechlstm.training.acoustic.network import AcousticNetwork
from speechlstm.training.tflite.edit import count_ops

ALPHABET = Alphabet(("a", "b", "c", "d"))


# Narrow-band features with derivatives, a single direction, no normalisation.
OTHER_FEATURES = FeatureConfig(sample_rate=8000, high_hz=4000, num_mfcc=13, deltas=2, hop_ms=12.5)
PLAIN = {"bidirectional": False, "layer_norm": False, "frame_stack": 1}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("features", "settings", "fused", "recurrence"),
    [
        (FeatureConfig(), {}, True, {"UNIDIRECTIONAL_SEQUENCE_LSTM": 2}),
        (OTHER_FEATURES, PLAIN, True, {"UNIDIRECTIONAL_SEQUENCE_LSTM": 1}),
        pytest.param(FeatureConfig(), {}, False, {"WHILE": 4}, marks=pytest.mark.slow),
        pytest.param(FeatureConfig(), {"cell": "gru"}, True, {"WHILE": 4}, marks=pytest.mark.slow),
        pytest.param(
            OTHER_FEATURES, {"cell": "rnn", **PLAIN}, True, {"WHILE": 2}, marks=pytest.mark.slow
        ),
    ],
)
def test_litert_computes_what_keras_does_at_any_length(
    features: FeatureConfig,
    settings: dict[str, Any],
    fused: bool,
    recurrence: dict[str, int],
    tmp_path: Path,
) -> None:
    keras.utils.set_random_seed(1)
    config = NetworkConfig(**{"num_layers": 1, "num_units": 8} | settings)
    model = AcousticNetwork(features, config, ALPHABET.num_labels)
    path = tmp_path / "model.tflite"
    path.write_bytes(convert_acoustic(model, fused))
    ops = count_ops(path.read_bytes())
    assert {op: ops[op] for op in ops if op.endswith(("LSTM", "WHILE"))} == recurrence
    litert = LiteRTAcousticModel(Bundle(path, AcousticSpec(features, ALPHABET, config)))
    for length in (16000, 16000, 800, 31999):
        noise = 0.1 * np.random.default_rng(length).normal(size=length).astype(np.float32)
        found = litert.outputs(Audio(noise, features.sample_rate))
        inputs = {"samples": noise[np.newaxis], "num_samples": np.array([length], np.int32)}
        expected = keras.ops.log_softmax(model(inputs)[0])[0]
        np.testing.assert_allclose(found, expected, atol=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("cell", "num_layers"), [("lstm", 2), ("gru", 1), ("rnn", 1)])
def test_padding_to_a_fixed_length_changes_nothing(
    cell: str, num_layers: int, tmp_path: Path
) -> None:
    keras.utils.set_random_seed(1)
    config = NetworkConfig(cell=cell, num_layers=num_layers, num_units=4)
    model = AcousticNetwork(FeatureConfig(), config, ALPHABET.num_labels)
    for variable in model.trainable_variables:
        variable.assign(variable + keras.random.normal(variable.shape, stddev=0.3))
    path = tmp_path / "model.portable.tflite"
    path.write_bytes(convert_acoustic(model, fused=False, max_samples=32000))
    spec = AcousticSpec(FeatureConfig(), ALPHABET, config)
    litert = LiteRTAcousticModel(Bundle(path, spec))
    for length in (800, 15999, 31999, 32000):
        noise = 0.1 * np.random.default_rng(length).normal(size=length).astype(np.float32)
        found = litert.outputs(Audio(noise, 16000))
        inputs = {"samples": noise[np.newaxis], "num_samples": np.array([length], np.int32)}
        expected = keras.ops.log_softmax(model(inputs)[0])[0]
        np.testing.assert_allclose(found, expected, atol=2e-4)
    with pytest.raises(
        BundleError, match=r"takes 2 s of audio at most, not 2\.0 s; export it again"
    ):
        litert.log_probs(Audio(np.zeros(32001, np.float32), 16000))


def test_another_backend_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model = AcousticNetwork(FeatureConfig(), NetworkConfig(num_units=1), ALPHABET.num_labels)
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ConfigError, match=r"^KERAS_BACKEND: .* runs on jax: set .* to tensorflow$"):
        convert_acoustic(model)
