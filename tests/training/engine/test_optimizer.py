import os
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import keras
import numpy as np
import pytest

from speechlstm.config import TrainConfig
from speechlstm.training.engine import optimizer as module
from speechlstm.training.engine.optimizer import GuardedAdamW, learning_rate

SHAPES = [(3, 2), (4,)]
ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
SETTINGS = {"learning_rate": 0.1, "weight_decay": 0.01, "global_clipnorm": 1.5}


def random_gradients() -> list[Any]:
    """Of four steps: some are clipped, some are not."""
    generator = np.random.default_rng(1)
    return [
        [scale * generator.normal(size=shape).astype(np.float32) for shape in SHAPES]
        for scale in (1, 0.1, 3, 0.5)
    ]


def run(optimizer: Any, steps: list[Any]) -> tuple[list[Any], list[Any]]:
    """Weights and state of the optimizer after some steps."""
    weights = [keras.Variable(np.full(shape, 0.5, np.float32)) for shape in SHAPES]
    optimizer.build(weights)
    for gradients in steps:
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients], weights)
    state = {v.path: v.numpy() for v in optimizer.variables if "num_skipped" not in v.path}
    return [w.numpy() for w in weights], list(state.values())


def test_finite_gradients_are_those_of_keras() -> None:
    found = run(GuardedAdamW(**SETTINGS), random_gradients())
    expected = run(keras.optimizers.AdamW(**SETTINGS), random_gradients())
    for mine, theirs in zip(found, expected, strict=True):
        assert len(mine) == len(theirs)
        for a, b in zip(mine, theirs, strict=True):
            # torch adds epsilon where the second moment is already corrected.
            np.testing.assert_allclose(a, b, rtol=0 if ON_TENSORFLOW else 1e-4)


@pytest.mark.slow
def test_torch_in_one_pass_does_the_same() -> None:
    if find_spec("torch") is None:
        pytest.skip("torch is not installed")
    command = [sys.executable, "-m", "pytest", "-q", "-m", "not slow", __file__]
    command += ["-W", "ignore:__array__:DeprecationWarning"]  # what Keras does there
    environment = os.environ | {"KERAS_BACKEND": "torch"}
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout


@pytest.mark.slow
def test_no_decay_leaves_weights_without_a_gradient_as_they_are() -> None:
    still = [[np.zeros(shape, np.float32) for shape in SHAPES]] * 3
    for decay, expected in ((0.0, 0.5), (0.1, 0.5 * (1 - 0.1 * 0.1) ** 3)):
        weights, _ = run(GuardedAdamW(**SETTINGS | {"weight_decay": decay}), still)
        np.testing.assert_allclose(np.concatenate([w.ravel() for w in weights]), expected)


@pytest.mark.slow
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_gradient_that_is_not_finite_is_as_if_it_had_not_been(value: float) -> None:
    steps = random_gradients()
    bad = [g.copy() for g in steps[0]]
    bad[1][2] = value
    harmed, unharmed = GuardedAdamW(**SETTINGS), GuardedAdamW(**SETTINGS)
    found = run(harmed, [bad, *steps[:2], bad, bad, *steps[2:]])
    expected = run(unharmed, steps)
    for mine, theirs in zip(found, expected, strict=True):
        for a, b in zip(mine, theirs, strict=True):
            np.testing.assert_array_equal(a, b)
    assert (int(harmed.num_skipped), int(unharmed.num_skipped)) == (3, 0)
    assert int(harmed.iterations) == 4


@pytest.mark.slow
def test_a_scaled_loss_changes_nothing_but_what_overflows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GROWTH_STEPS", 2)
    optimizer, steps = GuardedAdamW(loss_scale_factor=8.0, **SETTINGS), random_gradients()
    overflow = [np.full(shape, np.inf, np.float32) for shape in SHAPES]
    weights = [keras.Variable(np.full(shape, 0.5, np.float32)) for shape in SHAPES]
    optimizer.build(weights)
    scales = []
    for gradients in [*steps[:3], overflow, overflow, steps[3], *[overflow] * 4]:
        scales.append(optimizer.loss_scale)
        assert float(optimizer.scale_loss(1.0)) == scales[-1]
        scaled = [scales[-1] * g for g in gradients]  # by a power of two: exact
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in scaled], weights)
    assert scales == [8, 8, 16, 16, 8, 4, 4, 2, 1, 1]
    assert (optimizer.loss_scale, int(optimizer.num_skipped)) == (1, 6)
    for found, expected in zip(weights, run(GuardedAdamW(**SETTINGS), steps)[0], strict=True):
        np.testing.assert_array_equal(found.numpy(), expected)


CONFIG = TrainConfig(learning_rate=0.1, warmup_steps=10, decay=0.5)


def test_climbs_stays_and_falls_to_0() -> None:
    """Against the same three straight lines drawn by NumPy."""
    warm = [learning_rate(CONFIG, k, 0.0) for k in range(12)]
    np.testing.assert_allclose(warm, np.interp(range(12), [0, 9], [0.01, 0.1]))
    progress = np.linspace(0, 1, 21)
    rates = [learning_rate(CONFIG, 100, share) for share in progress]
    np.testing.assert_allclose(rates, np.interp(progress, [0, 0.5, 1], [0.1, 0.1, 0]), atol=1e-12)


def test_a_run_of_few_updates_reaches_its_rate_after_a_tenth_of_it() -> None:
    rates = [learning_rate(CONFIG, k, k / 20) for k in range(20)]
    warm = [0.01, 0.05]  # a tenth of the rate by the updates, half of it by the run
    expected = np.interp(np.linspace(0, 1, 21)[:-1], [0, 0.5, 1], [0.1, 0.1, 0])
    np.testing.assert_allclose(rates, [*warm, *expected[2:]])


def test_without_warm_up_or_decay() -> None:
    config = TrainConfig(learning_rate=0.1, warmup_steps=0, decay=1.0)
    assert [learning_rate(config, 0, share) for share in (0.0, 0.9, 1.0)] == [0.1] * 3


def test_a_prolonged_run_has_the_rate_of_a_run_of_that_length() -> None:
    assert learning_rate(CONFIG, 100, 40 / 40) == 0
    assert learning_rate(CONFIG, 100, 40 / 60) == pytest.approx(0.1 * (1 / 3) / 0.5)
