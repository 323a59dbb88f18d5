import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from speechlstm.errors import BundleError, LanguageModelError
from speechlstm.tflite.interpreter import TFLiteModel
from speechlstm.tflite.tensor import TensorSpec

ASSETS = Path(__file__).parents[1] / "assets"
SAMPLES = {"samples": TensorSpec("float32", (1, None))}
LOG_PROBS = {"output_0": TensorSpec("float32", (1, None, 29))}


def noise(num_samples: int) -> np.ndarray:
    return np.random.default_rng(num_samples).normal(size=(1, num_samples)).astype(np.float32)


def test_runs_any_length_and_keeps_nothing() -> None:
    model = TFLiteModel(ASSETS / "recurrent.tflite", SAMPLES, LOG_PROBS)
    first = model.run(samples=noise(1600))["output_0"]
    kept = first.copy()
    assert model.run(samples=noise(800))["output_0"].shape == (1, 6, 29)
    np.testing.assert_array_equal(model.run(samples=noise(1600))["output_0"], kept)
    np.testing.assert_array_equal(first, kept)


def test_refuses_outputs_that_are_no_numbers() -> None:
    """As those of weights with NaN, which a file with a right checksum may have."""
    model = TFLiteModel(ASSETS / "recurrent.tflite", SAMPLES, LOG_PROBS)
    samples = noise(1600)
    samples[0, 800] = np.nan
    with pytest.raises(BundleError, match=r"damaged: output_0 has values that are no numbers"):
        model.run(samples=samples)
    assert np.isfinite(model.run(samples=noise(1600))["output_0"]).all()


def test_threads_get_what_they_would_get_alone() -> None:
    model = TFLiteModel(ASSETS / "recurrent.tflite", SAMPLES, LOG_PROBS)

    def run(num_samples: int) -> np.ndarray:
        return model.run(samples=noise(num_samples))["output_0"]

    lengths = [1600 + 160 * k for k in range(8)] * 20
    alone = {length: run(length) for length in set(lengths)}
    with ThreadPoolExecutor(8) as pool:
        for length, found in zip(lengths, pool.map(run, lengths), strict=True):
            np.testing.assert_array_equal(found, alone[length])


@pytest.mark.parametrize(
    ("inputs", "outputs", "reason"),
    [
        ({"letters": SAMPLES["samples"]}, LOG_PROBS, "has 1 inputs of other names than letters"),
        (
            {"samples": TensorSpec("int32", (1, None))},
            LOG_PROBS,
            "samples is float32 .1, any., not",
        ),
        (SAMPLES, {"output_0": TensorSpec("float32", (1, None, 30))}, "any, 29.*, not .*any, 30"),
        (SAMPLES, {"output_0": TensorSpec("float32", (1, None))}, "output_0 is"),
    ],
)
def test_refuses_another_interface(
    inputs: dict[str, TensorSpec], outputs: dict[str, TensorSpec], reason: str
) -> None:
    with pytest.raises(BundleError, match=rf"recurrent\.tflite: is not a model .*{reason}"):
        TFLiteModel(ASSETS / "recurrent.tflite", inputs, outputs)


def test_errors_are_of_the_kind_that_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(LanguageModelError, match=r"none\.tflite: No such file"):
        TFLiteModel(tmp_path / "none.tflite", {}, {}, error=LanguageModelError)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_waits_for_no_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.tflite")
    with pytest.raises(BundleError, match=r"pipe\.tflite: is a pipe or a device"):
        TFLiteModel(tmp_path / "pipe.tflite", {}, {})


def test_input_of_another_kind_is_named() -> None:
    model = TFLiteModel(ASSETS / "levels.tflite", SAMPLES, LOG_PROBS)
    with pytest.raises(BundleError, match=r"^.*levels\.tflite: LiteRT cannot run it: .*$"):
        model.run(samples=np.zeros((1, 800), np.int32))
    assert model.run(samples=np.zeros((1, 800), np.float32))["output_0"].shape == (1, 6, 29)


@pytest.mark.slow
def test_is_imported_without_litert() -> None:
    code = (
        "import sys; import speechlstm.acoustic, speechlstm.lm.lstm, speechlstm.text.g2p;"
        "print([m for m in sys.modules if m.startswith(('ai_edge_litert', 'flatbuffers'))])"
    )
    printed = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert printed.strip() == "[]"
