from pathlib import Path

import keras
import numpy as np
import pytest
import soundfile

from speechlstm.audio import Audio
from speechlstm.config import FeatureConfig, NetworkConfig
from speechlstm.corpora.manifest import Utterance, write_manifest
from speechlstm.errors import ConfigError
from speechlstm.tflite import four_bits
from speechlstm.training.acoustic.export import export
from speechlstm.training.acoustic.network import AcousticNetwork
from speechlstm.training.acoustic.rounding import (
    measured_kernels,
    read_calibration,
    rounded_to_four_bits,
    with_rounded_kernels,
)

GENERATOR = np.random.default_rng(1)
ASSETS = Path(__file__).parents[2] / "assets"


def test_products_with_real_inputs_change_less_than_by_the_nearest_weights() -> None:
    inputs = GENERATOR.normal(size=(1000, 8)) @ GENERATOR.normal(size=(8, 40))
    inputs += 0.3 * GENERATOR.normal(size=inputs.shape)
    kernel = GENERATOR.normal(size=(40, 24))
    found = rounded_to_four_bits(kernel, inputs.T @ inputs)
    scales = four_bits.row_scales(kernel.T)
    nearest = (four_bits.rounded(kernel.T, scales) * scales).T
    errors = [np.square(inputs @ (k - kernel)).sum() for k in (found, nearest)]
    assert errors[0] < 0.5 * errors[1]
    stored = found.T / scales
    np.testing.assert_allclose(stored, np.round(stored), atol=1e-9)
    again = four_bits.row_scales(found.T)  # what the export stores
    np.testing.assert_allclose(four_bits.rounded(found.T, again) * again, found.T, atol=1e-9)


def test_inputs_that_never_come_do_not_matter() -> None:
    kernel = GENERATOR.normal(size=(6, 5))
    for covariance in (np.zeros((6, 6)), np.diag([1.0, 0, 0, 2, 0, 0])):
        assert np.isfinite(rounded_to_four_bits(kernel, covariance)).all()


@pytest.fixture(scope="module", params=["lstm", "gru"])
def model(request: pytest.FixtureRequest) -> AcousticNetwork:
    keras.utils.set_random_seed(1)
    config = NetworkConfig(num_layers=2, num_units=6, cell=request.param)
    model = AcousticNetwork(FeatureConfig(num_mfcc=13), config, 4)
    for variable in model.trainable_variables:
        variable.assign(variable + keras.random.normal(variable.shape, stddev=0.3))
    return model


def audio(num_samples: int) -> Audio:
    return Audio(0.1 * GENERATOR.normal(size=num_samples).astype(np.float32), 16000)


@pytest.mark.slow
def test_what_the_kernels_multiply_is_measured_without_padding(model: AcousticNetwork) -> None:
    audios = [audio(16000), audio(4000)]
    together = measured_kernels(model, audios)
    alone = [measured_kernels(model, [one]) for one in audios]
    assert len(together) == 2 * 2 * 2
    for kernel, first, second in zip(together, *alone, strict=True):
        assert kernel.values.shape[0] == len(kernel.covariance)
        total = first.covariance + second.covariance
        np.testing.assert_allclose(kernel.covariance, total, rtol=1e-4, atol=1e-4 * total.max())


@pytest.mark.slow
def test_only_recurrent_kernels_are_rounded_and_in_a_copy(model: AcousticNetwork) -> None:
    before = [weight.numpy() for weight in model.weights]
    rounded = with_rounded_kernels(model, [audio(16000)])
    kernels = {id(k.weight) for k in measured_kernels(rounded, [audio(2000)])}
    for old, now, new in zip(before, model.weights, rounded.weights, strict=True):
        np.testing.assert_array_equal(old, now)
        if id(new) in kernels:
            assert all(len(np.unique(column)) <= 15 for column in new.numpy().T)
        else:
            np.testing.assert_array_equal(old, new)


def test_recordings_are_read_with_or_without_texts(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "x.wav", np.zeros(800), 8000)
    manifest = tmp_path / "list.jsonl"
    write_manifest(manifest, [Utterance(str(i), "x.wav", 0.1, None) for i in range(130)])
    found = read_calibration([manifest], 16000)
    assert [len(a.samples) for a in found] == [1600] * 44  # every third


@pytest.mark.slow
def test_calibration_is_for_int4(tmp_path: Path) -> None:
    model = ASSETS / "everywhere.tflite"
    with pytest.raises(ConfigError, match="calibration is for --quantize int4, not for none"):
        export(model, tmp_path / "bundle", calibration=[tmp_path / "list.jsonl"])
