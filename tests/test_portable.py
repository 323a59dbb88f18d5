"""The same acoustic model as both targets of an export: see assets/README.md."""

import re
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.compiled_model import CompiledModel

from speechlstm import Recognizer
from speechlstm.acoustic import LiteRTAcousticModel
from speechlstm.audio import Audio
from speechlstm.bundle import AcousticSpec, Bundle, read_bundle, write_bundle
from speechlstm.errors import BundleError
from speechlstm.tflite.check import check_model
from speechlstm.tflite.metadata import read_metadata
from speechlstm.tflite.tensor import TensorSpec
from speechlstm.tflite.weights import read_weights
from speechlstm.training.tflite.edit import (
    count_ops,
    has_variables,
    stored_quantization,
    with_shapes,
)

ASSETS = Path(__file__).parent / "assets"
INTERPRETER, EVERYWHERE = ASSETS / "interpreter.tflite", ASSETS / "everywhere.tflite"
SPEC = read_bundle(EVERYWHERE).acoustic


def noise(seconds: float) -> Audio:
    num_samples = round(16000 * seconds)
    generator = np.random.default_rng(num_samples)
    return Audio(0.1 * generator.normal(size=num_samples).astype(np.float32), 16000)


def test_both_forms_compute_the_same_at_any_length() -> None:
    fused, portable = (LiteRTAcousticModel(read_bundle(p)) for p in (INTERPRETER, EVERYWHERE))
    # Up to one chunk of 32 steps, beyond it, in the middle of four steps.
    for seconds in (0.05, 0.4, 0.95, 0.96, 0.99, 1.0, 2.5, 7.03):
        audio = noise(seconds)
        np.testing.assert_allclose(portable.outputs(audio), fused.outputs(audio), atol=3e-4)


def test_no_state_is_left_behind() -> None:
    first, second = noise(1.3), noise(0.7)
    used, fresh = (LiteRTAcousticModel(read_bundle(EVERYWHERE)) for _ in range(2))
    used.outputs(first)
    np.testing.assert_array_equal(used.outputs(second), fresh.outputs(second))


@pytest.mark.slow
def test_the_portable_form_has_loops_and_no_variables() -> None:
    contents = [path.read_bytes() for path in (INTERPRETER, EVERYWHERE)]
    assert [has_variables(content) for content in contents] == [True, False]
    interfaces = [
        check_model(c, {"samples": TensorSpec("float32", (1, None))},
                    {"output_0": TensorSpec("float32", (1, None, 29))})
        for c in contents
    ]  # fmt: skip
    assert [interface.has_state for interface in interfaces] == [True, False]
    ops = count_ops(contents[1])
    assert ops["WHILE"] == 4  # two directions, two levels
    assert ops["UNIDIRECTIONAL_SEQUENCE_LSTM"] == 0


@pytest.mark.slow
def test_compiled_model_runs_the_portable_form() -> None:
    audio = noise(1.1)
    expected = LiteRTAcousticModel(read_bundle(EVERYWHERE)).outputs(audio)
    shapes = {"samples": (1, len(audio.samples)), "output_0": (1, *expected.shape)}
    interface = check_model(
        EVERYWHERE.read_bytes(),
        {"samples": TensorSpec("float32", (1, None))},
        {"output_0": TensorSpec("float32", (1, None, 29))},
    )
    indices = {
        name: index for name, (index, _) in {**interface.inputs, **interface.outputs}.items()
    }
    content = with_shapes(
        EVERYWHERE.read_bytes(), {indices[name]: shape for name, shape in shapes.items()}
    )
    model = CompiledModel.from_buffer(content)
    inputs, outputs = model.create_input_buffers(0), model.create_output_buffers(0)
    for _ in range(2):
        inputs[0].write(audio.samples)
        model.run_by_index(0, inputs, outputs)
        found = outputs[0].read(expected.size, np.float32).reshape(expected.shape)
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.slow
def test_both_forms_hold_the_same_weights() -> None:
    ours, theirs = (list(read_weights(p.read_bytes())) for p in (INTERPRETER, EVERYWHERE))
    assert len(ours) == len(theirs) == 2 * 12 + 2 + 2  # two directions, normalisation, output
    for found, expected in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(found, expected)
    assert stored_quantization(EVERYWHERE.read_bytes()) == "none"


def bundle_of(path: Path, *models: str, spec: AcousticSpec = SPEC) -> Path:
    contents = {
        "model.tflite": INTERPRETER.read_bytes(),
        "model.portable.tflite": EVERYWHERE.read_bytes(),
    }
    write_bundle(path, {name: contents[name] for name in models}, spec)
    return path


@pytest.mark.parametrize(
    ("models", "version", "used"),
    [
        (["model.tflite"], 1, "model.tflite"),
        (["model.portable.tflite"], 2, "model.portable.tflite"),
        (["model.tflite", "model.portable.tflite"], 2, "model.tflite"),
    ],
)
def test_a_bundle_has_one_form_or_both(
    models: list[str], version: int, used: str, tmp_path: Path
) -> None:
    path = bundle_of(tmp_path / "bundle", *models)
    assert f'"format_version": {version},' in (path / "bundle.json").read_text()
    bundle = read_bundle(path)
    assert bundle.model_path == path / used
    assert bundle.acoustic == SPEC
    text = Recognizer.load(EVERYWHERE).transcribe(noise(2)).text
    assert Recognizer.load(path).transcribe(noise(2)).text == text


def test_a_damaged_or_unlisted_form_is_refused(tmp_path: Path) -> None:
    path = bundle_of(tmp_path / "bundle", "model.tflite", "model.portable.tflite")
    portable = path / "model.portable.tflite"
    whole = portable.read_bytes()
    portable.write_bytes(whole[:-1] + b"x")
    with pytest.raises(BundleError, match=r"model\.portable\.tflite: damaged: its SHA-256 is not"):
        read_bundle(path)
    path = bundle_of(tmp_path / "other", "model.tflite")
    (path / "model.portable.tflite").write_bytes(whole)
    with pytest.raises(BundleError, match=r"portable\.tflite: has no SHA-256 in bundle\.json"):
        read_bundle(path)
    index = path / "bundle.json"
    portable = path / "model.portable.tflite"
    portable.unlink()
    index.write_text(index.read_text().replace('"format_version": 1', '"format_version": 2'))
    with pytest.raises(BundleError, match=r"has format version 2; this speechlstm reads 1"):
        read_bundle(path)


def test_models_of_other_names_are_not_written(tmp_path: Path) -> None:
    for models in ({}, {"x.tflite": EVERYWHERE.read_bytes()}):
        with pytest.raises(ValueError, match="no models, or unknown ones"):
            write_bundle(tmp_path / "bundle", models, SPEC)
    assert not (tmp_path / "bundle").exists()


def test_a_bare_file_is_a_bundle() -> None:
    assert read_bundle(EVERYWHERE) == Bundle(EVERYWHERE, SPEC)


def test_the_contract_names_what_the_description_holds() -> None:
    contract = (Path(__file__).parents[1] / "data" / "README.md").read_text(encoding="utf-8")
    description = read_metadata(EVERYWHERE)
    keys = set(
        re.findall(
            r"`((?:features|model(?!\.tflite|\.portable|\.streaming)|alphabet)\.\w+)`", contract
        )
    )
    assert len(keys) >= 6
    for section, key in (name.split(".") for name in keys):
        assert key in description[section]
