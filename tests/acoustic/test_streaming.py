from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from speechlstm.acoustic import LiteRTAcousticModel, StreamingModel, StreamingUtterance
from speechlstm.audio import Audio
from speechlstm.bundle import read_bundle, write_bundle
from speechlstm.errors import BundleError

ASSETS = Path(__file__).parents[1] / "assets"
STREAMING = ASSETS / "forwards_streaming.tflite"
SPEC = read_bundle(ASSETS / "forwards.tflite").acoustic
RATE, FRAME = 16000, 480  # samples in a second, and in an output frame


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("forwards") / "bundle"
    models = {"model.tflite": "forwards", "model.streaming.tflite": "forwards_streaming"}
    contents = {name: (ASSETS / f"{asset}.tflite").read_bytes() for name, asset in models.items()}
    write_bundle(path, contents, SPEC)
    return path


@pytest.fixture(scope="module")
def model(bundle: Path) -> LiteRTAcousticModel:
    return LiteRTAcousticModel(read_bundle(bundle))


def sound(num_samples: int, seed: int = 1) -> NDArray[np.float32]:
    """Noise whose level rises and falls."""
    time = np.arange(num_samples) / RATE
    noise = np.random.default_rng(seed).normal(size=num_samples)
    return np.asarray(0.2 * noise * np.sin(3 * time) ** 2, np.float32)


def in_blocks(
    model: LiteRTAcousticModel, samples: NDArray[np.float32], size: int
) -> NDArray[np.float32]:
    utterance = model.streaming_utterance()
    blocks = (samples[i : i + size] for i in range(0, len(samples), size))
    return np.concatenate([*map(utterance.process, blocks), utterance.finish()])


@pytest.mark.parametrize(
    "size", [1, pytest.param(37, marks=pytest.mark.slow), FRAME, 1600, 5 * RATE, 10 * RATE]
)
def test_blocks_of_any_size_give_the_outputs_of_the_whole(
    model: LiteRTAcousticModel, size: int
) -> None:
    samples = sound(RATE // 2 if size == 1 else 12 * RATE + 77)
    expected = model.log_probs(Audio(samples, RATE))
    found = in_blocks(model, samples, size)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("num_samples", [1, 159, 160, 479, 480, 481, 800, 1199, 1200, 14401])
def test_every_frame_comes_once_at_the_end_of_an_utterance_of_any_length(
    model: LiteRTAcousticModel, num_samples: int
) -> None:
    samples = sound(num_samples)
    expected = model.log_probs(Audio(samples, RATE))
    np.testing.assert_allclose(in_blocks(model, samples, 700), expected, atol=1e-4)


def test_outputs_come_as_soon_as_what_they_depend_on_is_there(model: LiteRTAcousticModel) -> None:
    # Three later frames, and the last window of a frame, which ends 25 / 2 ms after its centre.
    assert model.streaming
    assert model.streaming.delay == 3 + 1
    utterance, samples = model.streaming_utterance(), sound(10 * FRAME)
    counts = [len(utterance.process(block)) for block in np.split(samples, 10)]
    assert counts == [0, 0, 0, 0, 1, 1, 1, 1, 1, 1]


@pytest.mark.slow
def test_threads_may_share_a_model(model: LiteRTAcousticModel) -> None:
    sounds = [sound(2 * RATE, seed) for seed in range(8)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda samples: in_blocks(model, samples, 999), sounds))
    for samples, log_probs in zip(sounds, found, strict=True):
        np.testing.assert_array_equal(log_probs, in_blocks(model, samples, 999))


def test_an_utterance_depends_on_no_other(model: LiteRTAcousticModel) -> None:
    first, second = sound(RATE), sound(RATE, seed=2)
    in_blocks(model, first, 1000)
    one, other = model.streaming_utterance(), model.streaming_utterance()
    found = []
    for start in range(0, RATE, 1000):
        one.process(first[start : start + 1000])
        found.append(other.process(second[start : start + 1000]))
    found.append(other.finish())
    np.testing.assert_array_equal(np.concatenate(found), in_blocks(model, second, 1000))


def test_the_contract_is_enough_to_run_the_file() -> None:
    """As a program in another language does, by data/README.md alone."""
    interpreter = Interpreter(str(STREAMING))
    signature = interpreter.get_signature_list()["serving_default"]
    assert sorted(signature["inputs"]) == ["num_samples", "samples", "start", "state"]
    assert sorted(signature["outputs"]) == ["first_frame", "log_probs", "state"]
    run = interpreter.get_signature_runner()
    samples = sound(7 * FRAME + 123)
    padded = np.append(samples, np.zeros(20 * FRAME - len(samples), np.float32))
    shape = run.get_input_details()["state"]["shape"]
    state, log_probs = np.zeros(shape, np.float32), {}
    for start in range(0, len(padded), 2 * FRAME):
        num_samples = len(samples) if start + 2 * FRAME > len(samples) else 2**31 - 1
        output = run(
            samples=padded[np.newaxis, start : start + 2 * FRAME],
            start=np.array([start], np.int32),
            num_samples=np.array([num_samples], np.int32),
            state=state,
        )
        state = output["state"]
        log_probs |= enumerate(output["log_probs"][0], int(output["first_frame"][0]))
    num_frames = -(-(1 + len(samples) // 160) // 3)
    model = LiteRTAcousticModel(read_bundle(ASSETS / "forwards.tflite"))
    expected = model.log_probs(Audio(samples, RATE))
    assert len(expected) == num_frames
    found = np.stack([log_probs[row] for row in range(num_frames)])
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_bundle_without_the_file_needs_whole_utterances(bundle: Path) -> None:
    model = LiteRTAcousticModel(read_bundle(bundle / "model.tflite"))
    assert model.streaming is None
    with pytest.raises(ValueError, match="whole utterances"):
        model.streaming_utterance()


def test_another_network_is_refused_in_a_line(tmp_path: Path) -> None:
    path = tmp_path / "model.streaming.tflite"
    path.write_bytes((ASSETS / "forwards.tflite").read_bytes())
    with pytest.raises(BundleError, match=r"streaming\.tflite: is not a model .* other names"):
        StreamingModel(path, SPEC)


def test_the_columns_are_those_that_are_asked_for(model: LiteRTAcousticModel) -> None:
    assert model.streaming
    samples = sound(RATE)
    utterance = StreamingUtterance(model.streaming, slice(3, 5))
    found = np.concatenate([utterance.process(samples), utterance.finish()])
    np.testing.assert_array_equal(found, in_blocks(model, samples, RATE)[:, 3:5])
