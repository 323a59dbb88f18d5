"""Unidirectional networks: trained, exported for streams, read back."""

from pathlib import Path

import keras
import numpy as np
import pytest

from speechlstm.acoustic import LiteRTAcousticModel
from speechlstm.audio import Audio
from speechlstm.bundle import read_bundle
from speechlstm.config import FeatureConfig, NetworkConfig
from speechlstm.text.alphabet import Alphabet
from speechlstm.training.acoustic.conversion import streaming_file
from speechlstm.training.acoustic.export import export_model
from speechlstm.training.acoustic.network import AcousticNetwork
from speechlstm.training.acoustic.streaming import why_not_streaming
from speechlstm.training.acoustic.trained import trained_model
from speechlstm.training.acoustic.verification import Verification
from speechlstm.training.tflite.edit import Quantization, count_ops, has_variables

ALPHABET, PHONES = Alphabet((" ", "a", "b")), Alphabet(("AA", "B"), separator=" ")
FEATURES = FeatureConfig(num_mels=16, num_mfcc=8, normalize="running")
RATE = 16000


def network(lookahead: int = 2, **settings: object) -> NetworkConfig:
    small = {"num_layers": 2, "num_units": 8, "bidirectional": False, "lookahead": lookahead}
    return NetworkConfig.from_dict(small | settings)


def new_model(config: NetworkConfig, num_phones: int = 0) -> AcousticNetwork:
    keras.utils.set_random_seed(1)
    model = AcousticNetwork(FEATURES, config, ALPHABET.num_labels, num_phones)
    for variable in model.trainable_variables:  # a constant 0 would be folded away
        variable.assign(variable + keras.random.normal(variable.shape, stddev=0.3))
    return model


def sounds() -> list[tuple[Audio, str]]:
    generator = np.random.default_rng(1)
    lengths = (RATE, 30_000, 1000)
    return [
        (Audio(0.1 * generator.normal(size=n).astype(np.float32), RATE), text)
        for n, text in zip(lengths, ("a b", "", "b"), strict=True)
    ]


def log_probs(model: AcousticNetwork, samples: np.ndarray, lengths: list[int]) -> np.ndarray:
    num_samples = np.array(lengths, np.int32)
    return np.asarray(model.log_probs(model({"samples": samples, "num_samples": num_samples})[0]))


@pytest.mark.slow
def test_padding_and_what_is_beyond_the_look_ahead_change_no_output() -> None:
    model = new_model(network(lookahead=2))
    samples = np.random.default_rng(1).normal(0, 0.1, (2, RATE)).astype(np.float32)
    together = log_probs(model, samples, [RATE, 7777])
    alone = log_probs(model, samples[1:, :7777], [7777])[0]
    np.testing.assert_allclose(together[1, : len(alone)], alone, atol=1e-5)
    samples[0, 9600:] = 0  # output frames from 20 on; the window of frame 59 reaches into them
    changed = np.abs(log_probs(model, samples, [RATE, 7777]) - together)[0].max(axis=1)
    assert changed[:17].max() < 1e-5
    assert changed[18:20].min() > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("quantization", ["none", "int8"])
def test_an_export_has_a_streaming_form_that_hears_the_same(
    quantization: Quantization, tmp_path: Path
) -> None:
    model = new_model(network(), PHONES.num_labels)
    reports: list[Verification] = []
    path = tmp_path / "bundle"
    export_model(model, ALPHABET, sounds(), path, quantization, report=reports.append,
                 phones=PHONES)  # fmt: skip
    assert [report.file for report in reports] == ["model.tflite", "model.streaming.tflite"]
    assert all(report.failures == [] for report in reports)
    assert not reports[1].has_variables
    litert = LiteRTAcousticModel(read_bundle(path), phones=True)
    for audio, _ in sounds():
        utterance = litert.streaming_utterance()
        found = np.concatenate([utterance.process(audio.samples), utterance.finish()])
        tolerance = 1e-4 if quantization == "none" else 0.3
        np.testing.assert_allclose(found, litert.log_probs(audio), atol=tolerance)
    if quantization == "none":
        source = trained_model(path).network
        for found, expected in zip(
            source.trainable_variables, model.trainable_variables, strict=True
        ):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell", "lookahead", "layer_norm"), [("gru", 0, True), ("rnn", 3, False), ("lstm", 0, False)]
)
def test_every_cell_has_a_streaming_form(
    cell: str, lookahead: int, layer_norm: bool, tmp_path: Path
) -> None:
    model = new_model(network(lookahead, cell=cell, layer_norm=layer_norm))
    reports: list[Verification] = []
    export_model(model, ALPHABET, sounds(), tmp_path / "bundle", report=reports.append)
    assert reports[1].file == "model.streaming.tflite"
    assert reports[1].max_difference < 1e-4
    assert reports[1].repeat_difference < 1e-6


@pytest.mark.slow
def test_int8_kernels_are_stored_in_8_bits() -> None:
    model = new_model(network(num_units=64))
    sizes = {
        quantization: len(streaming_file(model, quantization)["model.streaming.tflite"])
        for quantization in ("none", "int8")
    }
    num_kernel_weights = 4 * 64 * (24 + 64 + 64 + 64)
    assert sizes["none"] - sizes["int8"] > 2.9 * num_kernel_weights
    tflite = streaming_file(model, "none")["model.streaming.tflite"]
    assert not has_variables(tflite)
    assert count_ops(tflite)["WHILE"] == 1


def test_other_networks_have_none_and_the_reason_is_given() -> None:
    both = NetworkConfig(num_layers=1, num_units=4)
    assert "bidirectional is true" in why_not_streaming(FEATURES, both)
    whole = FeatureConfig(num_mels=16, num_mfcc=8)
    assert 'normalize is "mean_variance"' in why_not_streaming(whole, network())
    assert why_not_streaming(FEATURES, network()) == ""
    assert streaming_file(AcousticNetwork(whole, network(), 4), "none") == {}
