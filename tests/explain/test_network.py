from pathlib import Path

import numpy as np
import pytest

from speechlstm.audio import Audio
from speechlstm.bundle import default_bundle, read_bundle
from speechlstm.explain.cells import DirectionActivity
from speechlstm.explain.network import NetworkActivity, head_widths, joined, run_network

ASSETS = Path(__file__).parents[1] / "assets"
GATES = {
    "interpreter": {"input", "forget", "output"},
    "everywhere": {"input", "forget", "output"},
    "gru": {"update", "reset"},
    "rnn": set[str](),
}


def noise(seconds: float) -> Audio:
    samples = np.random.default_rng(1).normal(0, 0.1, round(16000 * seconds))
    return Audio(samples.astype(np.float32), 16000)


@pytest.mark.slow
@pytest.mark.parametrize("name", GATES)
@pytest.mark.parametrize("seconds", [0.05, 1.3])
def test_the_layers_give_the_probabilities_of_the_file(name: str, seconds: float) -> None:
    bundle = read_bundle(ASSETS / f"{name}.tflite")
    activity = run_network(bundle, [noise(seconds)])[0]
    assert activity.reason == ""
    assert activity.difference < 1e-5
    ((forward, backward),) = activity.layers
    assert forward.gates.keys() == backward.gates.keys() == GATES[name]
    for direction in (forward, backward):
        assert direction.outputs.shape == (len(activity.log_probs), 4)
        assert all(0 <= gate.min() <= gate.max() <= 1 for gate in direction.gates.values())
    assert activity.features is not None
    assert len(activity.features) == bundle.acoustic.features.num_frames(round(16000 * seconds))


def test_the_equations_of_an_lstm_hold_between_its_gates() -> None:
    activity = run_network(read_bundle(ASSETS / "interpreter.tflite"), [noise(0.5)])[0]
    forward, backward = activity.layers[0]
    np.testing.assert_allclose(
        forward.outputs, forward.gates["output"] * np.tanh(forward.memory), rtol=1e-5
    )
    # What the cell takes in is the input gate times a value in -1..1.
    for now, before in ((np.s_[1:], np.s_[:-1]), (np.s_[:-1], np.s_[1:])):
        direction = forward if now == np.s_[1:] else backward
        taken = direction.memory[now] - direction.gates["forget"][now] * direction.memory[before]
        assert (np.abs(taken) <= direction.gates["input"][now] + 1e-6).all()


@pytest.mark.slow
def test_the_8_bit_model_of_the_package_is_reproduced_within_its_rounding() -> None:
    bundle = read_bundle(default_bundle())
    assert head_widths(bundle.acoustic) == [29, 40]
    audio = Audio.load("data/samples/date.wav").resampled(16000)
    activity = run_network(bundle, [audio])[0]
    assert [len(layer) for layer in activity.layers] == [2] * 4
    assert activity.difference < 0.01
    features = activity.features
    assert features is not None  # normalised over the utterance
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(features.std(axis=0), 1, atol=1e-2)


def test_a_file_without_recurrent_layers_has_no_gates(levels_bundle: Path) -> None:
    activity = run_network(read_bundle(levels_bundle), [noise(0.5)])[0]
    assert activity.layers == ()
    assert activity.features is None
    assert "constants are not those of 3 lstm layers" in activity.reason


def test_half_lives_follow_from_the_gate_that_keeps_the_memory() -> None:
    gate = np.array([[0.5, 0.25, 1.0], [0.5, 1.0, 1.0]], np.float32)
    half_lives = DirectionActivity({"forget": gate}, gate, gate, "forget").half_lives
    assert half_lives is not None
    np.testing.assert_allclose(half_lives[:2], [1, 1], rtol=1e-6)
    assert half_lives[2] > 1e6
    assert DirectionActivity({}, gate, gate, None).half_lives is None


@pytest.mark.parametrize("difference", [-1, 0, 1])
def test_segments_have_the_steps_and_frames_of_their_place_on_the_time_axis(
    difference: int,
) -> None:
    """The last step of a segment is repeated if it has a step less, and dropped if it has more."""
    segments = [
        NetworkActivity(np.arange(first, first + n).reshape(-1, 1), np.ones((2 * n, 1)), ())
        for first, n in ((0, 4), (10, 3))
    ]
    activity = joined(segments, [4 + difference, 3 + difference], [8 + difference, 6 + difference])
    expected = {-1: [0, 1, 2, 10, 11], 0: [0, 1, 2, 3, 10, 11, 12]}
    expected[1] = [0, 1, 2, 3, 3, 10, 11, 12, 12]
    assert activity.log_probs[:, 0].tolist() == expected[difference]
    assert activity.features is not None
    assert len(activity.features) == 14 + 2 * difference
