from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from speechlstm.audio import read_audio
from speechlstm.config import FeatureConfig, NetworkConfig
from speechlstm.corpora.manifest import Manifest
from speechlstm.training.acoustic.encoder import stack_frames
from speechlstm.training.acoustic.network import AcousticNetwork
from speechlstm.training.layers.ctc import consistency_losses, ctc_losses

SMALL = NetworkConfig(num_layers=2, num_units=16)
NUM_LABELS = 5

Samples = NDArray[np.float32]


def new_model(
    config: NetworkConfig = SMALL, features: FeatureConfig | None = None
) -> AcousticNetwork:
    keras.utils.set_random_seed(1)
    return AcousticNetwork(features or FeatureConfig(), config, NUM_LABELS)


def new_inputs(signals: list[Samples], padding: float = 0) -> dict[str, Any]:
    num_samples = np.array([len(s) for s in signals], np.int32)
    samples = np.full((len(signals), num_samples.max()), padding, np.float32)
    for row, signal in zip(samples, signals, strict=True):
        row[: len(signal)] = signal
    return {"samples": samples, "num_samples": num_samples}


def noise(*lengths: int) -> list[Samples]:
    generator = np.random.default_rng(1)
    return [0.1 * generator.normal(size=n).astype(np.float32) for n in lengths]


def assert_alone_is_as_in_the_batch(model: AcousticNetwork, signals: list[Samples]) -> None:
    logits, num_steps = map(np.array, model(new_inputs(signals, padding=0.7)))
    for signal, rows, length in zip(signals, logits, num_steps, strict=True):
        (alone,), (steps,) = map(np.array, model(new_inputs([signal])))
        num_frames = 1 + len(signal) // 160
        assert length == steps == len(alone) == -(-num_frames // model.config.frame_stack)
        np.testing.assert_allclose(rows[:length], alone, atol=1e-4)
        np.testing.assert_array_equal(rows[:length].argmax(axis=1), alone.argmax(axis=1))


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"cell": "gru", "num_layers": 1, "frame_stack": 4},
        {"cell": "rnn", "bidirectional": False, "layer_norm": False},
        {"bidirectional": False, "layer_norm": False, "frame_stack": 1},
        {"recurrent_dropout": 0.3, "num_layers": 1, "frame_stack": 8},
    ],
)
def test_padding_changes_no_output(settings: dict[str, Any]) -> None:
    model = new_model(replace(SMALL, **settings))
    assert_alone_is_as_in_the_batch(model, noise(4000, 800, 3999, 1600, 801))


@pytest.mark.slow
def test_padding_changes_no_output_on_real_speech(corpora: Path) -> None:
    manifest = Manifest(corpora / "an4" / "train.jsonl")
    paths = [manifest.recording(utterance) for utterance in islice(manifest, 0, 640, 20)]
    signals = [read_audio(path, 16000).samples for path in paths]
    assert len(signals) == 32
    assert_alone_is_as_in_the_batch(new_model(), signals)


@pytest.mark.slow
def test_one_direction_hears_no_future() -> None:
    config = replace(SMALL, bidirectional=False)
    model = new_model(config, FeatureConfig(normalize="none"))
    before, after, other = noise(8000, 8000, 8000)
    one, two = (np.array(model(new_inputs([np.append(before, x)]))[0][0]) for x in (after, other))
    # A window of 25 ms around a frame, and three frames to a step.
    num_same = (8000 - 200) // 160 // 3
    np.testing.assert_allclose(one[:num_same], two[:num_same], atol=1e-5)
    assert np.abs(one[num_same + 3] - two[num_same + 3]).max() > 1e-3


def test_width_and_depth_follow_the_settings() -> None:
    model = new_model(
        NetworkConfig(num_layers=2, num_units=3, frame_stack=4), FeatureConfig(deltas=1)
    )
    shapes = [tuple(variable.shape) for variable in model.trainable_variables]
    lstm = [((80 * 4, 12), (3, 12), (12,)), ((6, 12), (3, 12), (12,))]
    expected = [*lstm[0] * 2, *lstm[1] * 2, *[(6,)] * 4, (6, NUM_LABELS), (NUM_LABELS,)]
    assert sorted(shapes) == sorted(expected)


def test_frames_are_joined_side_by_side() -> None:
    frames = np.arange(1, 15, dtype=np.float32).reshape(1, 7, 2)
    stacked, num_steps = stack_frames(frames, np.array([7], np.int32), 3)
    np.testing.assert_array_equal(
        stacked[0], [[1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12], [13, 14, 0, 0, 0, 0]]
    )
    assert num_steps == [3]
    whole, num_steps = stack_frames(frames, np.array([6], np.int32), 1)
    np.testing.assert_array_equal(whole, frames)
    assert num_steps == [6]


@pytest.mark.slow
def test_dropout_and_masks_act_in_training_only() -> None:
    model = new_model(replace(SMALL, dropout=0.5))
    inputs = new_inputs(noise(4000))
    masks = {
        "time_masks": np.array([[[3, 9]]], np.int32),
        "frequency_masks": np.array([[[4, 8]]], np.int32),
    }
    plain = np.array(model(inputs)[0])
    np.testing.assert_array_equal(model(inputs | masks)[0], plain)
    assert np.abs(model(inputs, training=True)[0] - plain).max() > 0.01
    model.dropout.rate = 0
    np.testing.assert_array_equal(model(inputs, training=True)[0], plain)
    assert np.abs(model(inputs | masks, training=True)[0] - plain).max() > 0.01


@pytest.mark.slow
def test_phones_have_an_output_of_their_own() -> None:
    keras.utils.set_random_seed(1)
    model = AcousticNetwork(FeatureConfig(), SMALL, NUM_LABELS, num_phones=3)
    inputs = new_inputs(noise(4000, 3000))
    logits, num_steps = map(np.array, model(inputs))
    assert logits.shape == (2, 9, NUM_LABELS + 3)
    probs = np.exp(model.log_probs(logits))
    np.testing.assert_allclose(probs[..., :NUM_LABELS].sum(axis=-1), 1, atol=1e-5)
    np.testing.assert_allclose(probs[..., NUM_LABELS:].sum(axis=-1), 1, atol=1e-5)

    spelt = np.array([[1, 2], [3, 0]], np.int32), np.array([2, 1], np.int32)
    spoken = np.array([[2, 1, 2], [1, 0, 0]], np.int32), np.array([3, 1], np.int32)
    y = dict(zip(("labels", "num_labels", "phones", "num_phones"), spelt + spoken, strict=True))
    y |= {"weights": np.ones(2, np.float32), "phone_weights": np.array([1, 0], np.float32)}
    losses = np.array(ctc_losses(logits[..., :NUM_LABELS], num_steps, *spelt))
    of_phones = np.array(ctc_losses(logits[..., NUM_LABELS:], num_steps, *spoken))
    expected = losses.mean() + of_phones[0]  # the other's phones are not known
    assert float(model.compute_loss(y=y, y_pred=(logits, num_steps))) == pytest.approx(expected)


def test_loss_is_the_mean_over_utterances_that_count() -> None:
    generator = np.random.default_rng(1)
    logits = generator.normal(size=(3, 8, NUM_LABELS)).astype(np.float32)
    outputs = (logits, np.array([8, 5, 8], np.int32))
    labels = np.array([[1, 2], [3, 0], [4, 4]], np.int32)
    num_labels = np.array([2, 1, 2], np.int32)
    losses = np.array(ctc_losses(*outputs, labels, num_labels))
    targets = {"labels": labels, "num_labels": num_labels}
    for weights, expected in (([1, 1, 1], losses.mean()), ([1, 0, 1], losses[::2].mean())):
        y = targets | {"weights": np.array(weights, np.float32)}
        assert float(new_model().compute_loss(y=y, y_pred=outputs)) == pytest.approx(expected)
    y = targets | {"weights": np.zeros(3, np.float32)}
    assert float(new_model().compute_loss(y=y, y_pred=outputs)) == 0


@pytest.mark.slow
def test_what_two_views_differ_by_is_part_of_the_loss() -> None:
    keras.utils.set_random_seed(1)
    alone, drawn = (
        AcousticNetwork(FeatureConfig(), SMALL, NUM_LABELS, num_phones=3, consistency=weight)
        for weight in (0.0, 0.2)
    )
    logits = np.random.default_rng(1).normal(size=(4, 8, NUM_LABELS + 3)).astype(np.float32)
    outputs = (logits, np.array([8, 8, 5, 5], np.int32))
    ones = np.ones((4, 1), np.int32)
    y = {"labels": ones, "num_labels": ones[:, 0], "phones": ones, "num_phones": ones[:, 0]}
    y |= {"weights": np.array([1, 1, 0, 0], np.float32), "phone_weights": np.zeros(4, np.float32)}
    heads = logits[..., :NUM_LABELS], logits[..., NUM_LABELS:]
    differences = sum(np.array(consistency_losses(head, outputs[1]))[:2].mean() for head in heads)
    without, expected = float(alone.compute_loss(y=y, y_pred=outputs)), 0.2 * differences
    assert float(drawn.compute_loss(y=y, y_pred=outputs)) - without == pytest.approx(expected)
