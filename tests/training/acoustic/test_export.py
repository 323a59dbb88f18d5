import tempfile
from pathlib import Path

import keras
import numpy as np
import pytest

from speechlstm.acoustic import LiteRTAcousticModel
from speechlstm.audio import Audio
from speechlstm.bundle import read_bundle
from speechlstm.config import FeatureConfig, NetworkConfig
from speechlstm.errors import BundleError, ModelError
from speechlstm.text.alphabet import Alphabet
from speechlstm.training.acoustic import conversion
from speechlstm.training.acoustic.conversion import convert_acoustic
from speechlstm.training.acoustic.export import export_model
from speechlstm.training.acoustic.network import AcousticNetwork
from speechlstm.training.acoustic.trained import trained_model
from speechlstm.training.acoustic.verification import Verification
from speechlstm.training.tflite.edit import Quantization

ALPHABET = Alphabet((" ", "a", "b"))


def acoustic_model(seed: int) -> AcousticNetwork:
    keras.utils.set_random_seed(seed)
    return AcousticNetwork(FeatureConfig(), NetworkConfig(num_layers=1, num_units=16), 4)


def recordings() -> list[tuple[Audio, str]]:
    generator = np.random.default_rng(1)
    lengths_and_texts = ((16000, "a b"), (16000, "b"), (9999, ""))
    return [
        (Audio(0.1 * generator.normal(size=length).astype(np.float32), 16000), text)
        for length, text in lengths_and_texts
    ]


@pytest.fixture(scope="module")
def tflite() -> bytes:
    return convert_acoustic(acoustic_model(seed=1))


@pytest.mark.slow
@pytest.mark.parametrize("quantization", ["none", "float16", "int8", "int4"])
def test_writes_the_bundle_it_verified(
    quantization: Quantization, tflite: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversion, "convert_acoustic", lambda *_, **__: tflite)
    reports: list[Verification] = []
    path = tmp_path / "bundle"
    (verification,) = export_model(
        acoustic_model(1), ALPHABET, recordings(), path, quantization, {"made": "here"},
        report=reports.append,
    )  # fmt: skip
    bundle = read_bundle(path)
    assert (bundle.acoustic.alphabet, bundle.acoustic.training) == (ALPHABET, {"made": "here"})
    assert reports == [verification]
    assert verification.failures == []
    assert verification.num_bytes == bundle.model_path.stat().st_size
    assert verification.num_utterances == 3
    assert verification.keras_errors.num_reference == 3
    assert 0 < verification.rtf < 1
    # Quantisation can be seen: the file that was verified is the one asked for.
    assert (verification.max_difference > 1e-4) == (quantization != "none")


@pytest.mark.slow
def test_a_model_of_characters_and_phones_is_read_back(tmp_path: Path) -> None:
    keras.utils.set_random_seed(1)
    phones = Alphabet(("AA", "B", "K"), separator=" ")
    model = AcousticNetwork(FeatureConfig(), NetworkConfig(num_layers=1, num_units=16), 4, 4)
    for variable in model.trainable_variables:  # a constant 0 would be folded away
        variable.assign(variable + keras.random.normal(variable.shape, stddev=0.3))
    path = tmp_path / "bundle"
    (verification,) = export_model(model, ALPHABET, recordings(), path, phones=phones)
    assert verification.max_difference < 1e-4  # of all columns
    source = trained_model(path)
    assert (source.alphabet, source.phones) == (ALPHABET, phones)
    for found, expected in zip(
        source.network.trainable_variables, model.trainable_variables, strict=True
    ):
        np.testing.assert_array_equal(found, expected)

    audio = recordings()[2][0]
    outputs = LiteRTAcousticModel(read_bundle(path)).outputs(audio.levelled())
    np.testing.assert_allclose(np.exp(outputs[:, 4:]).sum(axis=1), 1, atol=1e-5)
    spelt, spoken = (LiteRTAcousticModel(read_bundle(path), phones=p) for p in (False, True))
    assert (spelt.alphabet, spoken.alphabet) == (ALPHABET, phones)
    np.testing.assert_array_equal(spelt.log_probs(audio), outputs[:, :4])
    np.testing.assert_array_equal(spoken.log_probs(audio), outputs[:, 4:])


@pytest.mark.slow
def test_refuses_a_file_that_is_not_the_model(
    tflite: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversion, "convert_acoustic", lambda *_, **__: tflite)
    reports: list[Verification] = []
    path = tmp_path / "bundle"
    with pytest.raises(
        BundleError, match=r"not written: .*differ from Keras by .* limit is 0.0001"
    ):
        export_model(acoustic_model(2), ALPHABET, recordings(), path, report=reports.append)
    assert not list(tmp_path.iterdir())
    assert reports[0].max_difference > 0.01


@pytest.mark.slow
def test_what_is_tried_lies_beside_the_bundle(
    tflite: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There, the next export removes what a killed one has left."""
    monkeypatch.setattr(conversion, "convert_acoustic", lambda *_, **__: tflite)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "no folder for temporary files"))
    path, seen = tmp_path / "new" / "bundle", []
    export_model(
        acoustic_model(1), ALPHABET, recordings(), path,
        report=lambda _: seen.extend(p.name for p in path.parent.iterdir()),
    )  # fmt: skip
    (candidate,) = seen
    assert candidate.startswith(".bundle.") and candidate.endswith(".tmp")
    assert [p.name for p in path.parent.iterdir()] == ["bundle"]


@pytest.mark.slow
def test_refuses_a_file_that_does_not_run(
    tflite: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversion, "convert_acoustic", lambda *_, **__: tflite)
    more_labels = Alphabet((" ", "a", "b", "c"))
    with pytest.raises(ModelError, match=r"does not run without TensorFlow: .*\[1, any, 4\], not"):
        export_model(acoustic_model(1), more_labels, recordings(), tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()
