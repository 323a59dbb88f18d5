from pathlib import Path

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from speechlstm.acoustic import LiteRTAcousticModel
from speechlstm.audio import Audio
from speechlstm.bundle import AcousticSpec, Bundle
from speechlstm.config import FeatureConfig, NetworkConfig
from speechlstm.text.alphabet import Alphabet
from speechlstm.tflite.weights import read_weights
from speechlstm.training.acoustic.conversion import convert_acoustic
from speechlstm.training.acoustic.network import AcousticNetwork
from speechlstm.training.tflite.edit import (
    Quantization,
    quantize,
    stored_quantization,
    without_cell_clip,
)

pytestmark = pytest.mark.slow


def run_litert(
    tflite: bytes, model: AcousticNetwork, samples: NDArray[np.float32], path: Path
) -> NDArray[np.float32]:
    path.write_bytes(tflite)
    alphabet = Alphabet(tuple("abcdefgh"[: model.num_labels - 1]))
    bundle = Bundle(path, AcousticSpec(model.features, alphabet, model.config))
    return LiteRTAcousticModel(bundle).log_probs(Audio(samples, model.features.sample_rate))


def noise(num_samples: int) -> NDArray[np.float32]:
    return 0.1 * np.random.default_rng(1).normal(size=num_samples).astype(np.float32)


def test_cells_beyond_ten_are_not_clipped(tmp_path: Path) -> None:
    # One cell, its gates open, adds up +1 a frame while it is loud and -1 while it is quiet.
    model = AcousticNetwork(
        FeatureConfig(num_mfcc=1),
        NetworkConfig(
            num_layers=1, num_units=1, bidirectional=False, layer_norm=False, frame_stack=1
        ),
        num_labels=2,
    )
    # Its other weights are as good as 0; the converter would share a 0 with the cell's first state.
    kernel, bias = np.array([[1e-9, 2e-9, 50, 3e-9]]), np.array([20, 20, 0, 20])
    recurrent = np.array([[4e-9, 5e-9, 6e-9, 7e-9]])
    model.recurrent[0].layer.set_weights([kernel, recurrent, bias])
    model.output_layers[0].set_weights([np.array([[0, 5]]), np.zeros(2)])
    samples = noise(16000) * np.repeat(np.float32([1, 1e-3]), 8000)
    tflite = convert_acoustic(model)
    clipped = run_litert(tflite, model, samples, tmp_path / "clipped.tflite")
    unbounded = run_litert(without_cell_clip(tflite), model, samples, tmp_path / "model.tflite")
    # 20 frames into the quiet half the sum is 50 - 20; from a bound of 10 it would be -10.
    assert (unbounded[70].argmax(), clipped[70].argmax()) == (1, 0)


@pytest.fixture(scope="module")
def model() -> AcousticNetwork:
    keras.utils.set_random_seed(1)
    return AcousticNetwork(FeatureConfig(), NetworkConfig(num_layers=1, num_units=64), num_labels=5)


@pytest.fixture(scope="module", params=["fused", "loop"])
def tflite(request: pytest.FixtureRequest, model: AcousticNetwork) -> bytes:
    return without_cell_clip(convert_acoustic(model, fused=request.param == "fused"))


@pytest.mark.parametrize(
    ("quantization", "bytes_a_weight", "tolerance"),
    [("float16", 2, 5e-3), ("int8", 1, 0.05), ("int4", 0.5, 0.5)],
)
def test_recurrent_kernels_take_fewer_bytes(
    quantization: Quantization,
    bytes_a_weight: float,
    tolerance: float,
    tflite: bytes,
    model: AcousticNetwork,
    tmp_path: Path,
) -> None:
    quantized = quantize(tflite, quantization)
    num_weights = 2 * (120 + 64) * 4 * 64
    saved = len(tflite) - len(quantized)
    assert saved == pytest.approx((4 - bytes_a_weight) * num_weights, rel=0.05)
    full = run_litert(tflite, model, noise(16000), tmp_path / "full.tflite")
    found = run_litert(quantized, model, noise(16000), tmp_path / "quantized.tflite")
    assert 0 < np.abs(found - full).max() < tolerance


def test_int8_kernels_are_the_nearest_to_the_weights(tflite: bytes, model: AcousticNetwork) -> None:
    file = schema.ModelT.InitFromPackedBuf(quantize(tflite, "int8"))
    stored = [
        t.quantization.scale[0] * file.buffers[t.buffer].data.view(np.int8).reshape(t.shape).T
        for graph in file.subgraphs
        for t in graph.tensors
        if t.type == schema.TensorType.INT8
    ]
    expected = [
        gate
        for weight in model.recurrent[0].layer.get_weights()
        if weight.ndim == 2
        for gate in np.split(weight, len(stored) // 4, axis=1)
    ]
    for kernel in expected:
        errors = [np.abs(s - kernel).max() for s in stored if s.shape == kernel.shape]
        assert min(errors) <= np.abs(kernel).max() / 127 / 2 + 1e-6


@pytest.mark.parametrize("num_mfcc", [13, 40])  # rows of 39 weights end within a byte
@pytest.mark.parametrize("fused", [True, False])
def test_four_bits_are_expanded_as_they_were_rounded(
    num_mfcc: int, fused: bool, tmp_path: Path
) -> None:
    keras.utils.set_random_seed(2)
    model, copy = (
        AcousticNetwork(
            FeatureConfig(num_mfcc=num_mfcc), NetworkConfig(num_layers=1, num_units=5), num_labels=5
        )
        for _ in range(2)
    )
    for variable in model.trainable_variables:
        variable.assign(variable + keras.random.normal(variable.shape, stddev=0.3))
    tflite = quantize(without_cell_clip(convert_acoustic(model, fused)), "int4")
    assert stored_quantization(tflite) == "int4"
    stored = list(read_weights(tflite))
    for layer in range(2):
        weights = [np.concatenate(stored[12 * layer :][k : k + 4]).T for k in (0, 4, 8)]
        for variable, values in zip(copy.recurrent[0].weights[3 * layer :], weights, strict=False):
            variable.assign(values)
    for ours, theirs in ((copy.norms, model.norms), (copy.output_layers, model.output_layers)):
        ours[0].set_weights(theirs[0].get_weights())
    rounded = without_cell_clip(convert_acoustic(copy, fused))
    found = run_litert(tflite, model, noise(16000), tmp_path / "int4.tflite")
    expected = run_litert(rounded, model, noise(16000), tmp_path / "rounded.tflite")
    # A fused LSTM computes in float32, a loop rounds the inputs of its products to 8 bits.
    np.testing.assert_allclose(found, expected, atol=1e-4 if fused else 0.2)
    # Rounding what is rounded changes nothing.
    again = read_weights(quantize(rounded, "int4"))
    for one, other in zip(stored, again, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_no_quantization_changes_nothing(tflite: bytes) -> None:
    assert quantize(tflite, "none") is tflite


def test_buffers_stay_aligned(tflite: bytes) -> None:
    edited = np.frombuffer(quantize(tflite, "int8"), np.uint8)
    file = schema.Model.GetRootAs(edited)
    buffers = [file.Buffers(i) for i in range(file.BuffersLength())]
    offsets = [
        b.DataAsNumpy().ctypes.data - edited.ctypes.data for b in buffers if not b.DataIsNone()
    ]
    assert len(offsets) > 10
    assert {offset % 16 for offset in offsets} == {0}
