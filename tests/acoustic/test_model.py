from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from flatbuffers import Builder
from numpy.typing import NDArray

from speechlstm.acoustic import LiteRTAcousticModel
from speechlstm.audio import Audio
from speechlstm.bundle import AcousticSpec, Bundle, default_bundle, read_bundle, write_bundle
from speechlstm.config import FeatureConfig, NetworkConfig
from speechlstm.errors import BundleError
from speechlstm.text.alphabet import ENGLISH, Alphabet

ASSETS = Path(__file__).parents[1] / "assets"
ROOT = Path(__file__).parents[2]


def bundle(name: str) -> Bundle:
    """A bundle around a test model, unverified: the model's plain file."""
    spec = AcousticSpec(FeatureConfig(normalize="none"), ENGLISH, NetworkConfig(frame_stack=1))
    return Bundle(ASSETS / f"{name}.tflite", spec)


def noise(num_samples: int, seed: int = 1) -> Audio:
    samples = 0.1 * np.random.default_rng(seed).normal(size=num_samples)
    return Audio(samples.astype(np.float32), 16000)


def test_gives_natural_log_probabilities_frame_by_frame() -> None:
    audio = Audio(np.repeat([0, 3 / 29, 28 / 29, 0], 160).astype(np.float32), 16000)
    log_probs = LiteRTAcousticModel(bundle("levels")).log_probs(audio)
    assert log_probs.dtype == np.float32
    assert log_probs.argmax(axis=1).tolist() == [0, 3, 28, 0, 0]
    # The model's formula (assets/README.md) with the libraries' softmax left out.
    scores = -8.0 * (np.array([0, 3, 28, 0, 0])[:, None] - np.arange(29)) ** 2
    expected = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(log_probs, expected, atol=1e-2)


@pytest.mark.parametrize("decibels", [pytest.param(-35, marks=pytest.mark.slow), -20])
def test_an_offset_changes_nothing(decibels: float) -> None:
    """Of a cheap sound card; the network alone hears it in its lowest mel bands."""
    model = LiteRTAcousticModel(read_bundle(default_bundle()))
    audio = Audio.load(ROOT / "data" / "samples" / "date.wav")
    shifted = Audio(audio.samples + np.float32(10 ** (decibels / 20)), 16000)
    expected = np.exp(model.log_probs(audio))
    np.testing.assert_allclose(np.exp(model.log_probs(shifted)), expected, atol=0.05)
    assert np.abs(np.exp(model.outputs(shifted)[:, :29]) - expected).max() > 0.2


def test_a_quiet_recording_is_heard_as_well_as_a_loud_one() -> None:
    """The floor of the network's mel spectrum hides all but the vowels of one at -80 dB."""
    model = LiteRTAcousticModel(read_bundle(default_bundle()))
    audio = Audio.load(ROOT / "data" / "samples" / "date.wav")
    quiet = Audio(audio.samples * np.float32(1e-4), 16000)
    expected = np.exp(model.log_probs(audio))
    np.testing.assert_allclose(np.exp(model.log_probs(quiet)), expected, atol=0.05)
    assert np.abs(np.exp(model.outputs(quiet)[:, :29]) - expected).max() > 0.5


@pytest.mark.parametrize("normalize", ["none", "running"])
def test_a_network_without_normalization_by_the_utterance_gets_it_as_it_is(normalize: str) -> None:
    spec = bundle("levels").acoustic
    features = FeatureConfig(normalize=normalize)  # type: ignore[arg-type]
    model = LiteRTAcousticModel(Bundle(ASSETS / "levels.tflite", replace(spec, features=features)))
    audio = Audio(noise(4000).samples / 100, 16000)
    np.testing.assert_array_equal(model.log_probs(audio), model.outputs(audio))


@pytest.mark.parametrize("num_samples", [1, 159, 160, 161, 16000])
def test_takes_any_length(num_samples: int) -> None:
    log_probs = LiteRTAcousticModel(bundle("recurrent")).log_probs(noise(num_samples))
    assert log_probs.shape == (1 + num_samples // 160, 29)


def test_an_utterance_leaves_no_state_to_the_next() -> None:
    model, audio = LiteRTAcousticModel(bundle("recurrent")), noise(4000)
    first = model.log_probs(audio)
    model.log_probs(noise(4000, seed=2))
    np.testing.assert_array_equal(model.log_probs(audio), first)


def test_the_runtime_would_leave_state() -> None:
    interpreter = Interpreter(str(ASSETS / "recurrent.tflite"))
    (inputs,), (outputs,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.resize_tensor_input(inputs["index"], [1, 4000])
    interpreter.allocate_tensors()

    def run() -> NDArray[np.float32]:
        interpreter.set_tensor(inputs["index"], noise(4000).samples[None])
        interpreter.invoke()
        return interpreter.get_tensor(outputs["index"])

    assert np.abs(run() - run()).max() > 0.1


def test_results_stay_when_the_model_runs_again() -> None:
    model = LiteRTAcousticModel(bundle("levels"))
    first = model.log_probs(noise(4000))
    kept = first.copy()
    model.log_probs(Audio(np.zeros(4000, np.float32), 16000))
    np.testing.assert_array_equal(first, kept)


def test_says_what_its_bundle_says(tmp_path: Path) -> None:
    features = FeatureConfig(sample_rate=8000, high_hz=4000)
    tflite = (ASSETS / "levels.tflite").read_bytes()
    acoustic = AcousticSpec(features, ENGLISH, NetworkConfig(frame_stack=2))
    write_bundle(tmp_path / "b", tflite, acoustic)
    model = LiteRTAcousticModel(read_bundle(tmp_path / "b"))
    assert (model.sample_rate, model.frame_seconds, model.alphabet) == (8000, 0.02, ENGLISH)


@pytest.mark.parametrize(
    "change", [{"network": NetworkConfig(frame_stack=3)}, {"features": FeatureConfig(hop_ms=20)}]
)
def test_refuses_output_that_its_bundle_does_not_describe(change: dict[str, object]) -> None:
    whole = bundle("levels")
    model = LiteRTAcousticModel(replace(whole, acoustic=replace(whole.acoustic, **change)))
    with pytest.raises(BundleError, match=r"levels\.tflite: computes 26 frames for 4000 samples"):
        model.log_probs(noise(4000))


def test_refuses_another_number_of_labels() -> None:
    with pytest.raises(BundleError, match=r"output_0 is float32 \[1, any, 29\], not .*any, 2\]"):
        whole = bundle("levels")
        acoustic = replace(whole.acoustic, alphabet=Alphabet(("a",)))
        LiteRTAcousticModel(replace(whole, acoustic=acoustic))


def test_refuses_another_sample_rate() -> None:
    with pytest.raises(ValueError, match="16000 Hz, not 8000 Hz"):
        LiteRTAcousticModel(bundle("levels")).log_probs(Audio(np.zeros(800, np.float32), 8000))


@pytest.mark.parametrize("end", ["inputs", "outputs"])
def test_refuses_several_inputs_or_outputs(tmp_path: Path, end: str) -> None:
    model = schema.ModelT.InitFromPackedBuf((ASSETS / "levels.tflite").read_bytes())
    setattr(model.subgraphs[0], end, [*getattr(model.subgraphs[0], end)] * 2)
    builder = Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    (tmp_path / "model.tflite").write_bytes(builder.Output())
    with pytest.raises(BundleError, match="is not a model that can be run: "):
        LiteRTAcousticModel(replace(bundle("levels"), path=tmp_path / "model.tflite"))


def test_refuses_what_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_text("garbage\n" * 10)
    with pytest.raises(BundleError, match=r"^.*model\.tflite: is not a model that can be run: .*$"):
        LiteRTAcousticModel(replace(bundle("levels"), path=tmp_path / "model.tflite"))


def test_threads_share_it() -> None:
    model = LiteRTAcousticModel(bundle("recurrent"))
    recordings = [noise(1600 + 160 * seed, seed) for seed in range(8)]
    alone = [model.log_probs(audio) for audio in recordings]
    with ThreadPoolExecutor(8) as pool:
        for together in (list(pool.map(model.log_probs, recordings)) for _ in range(20)):
            for found, expected in zip(together, alone, strict=True):
                np.testing.assert_array_equal(found, expected)
