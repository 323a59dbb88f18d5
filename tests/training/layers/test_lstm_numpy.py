"""The recurrence against its equations, step by step in Python's own floats."""

from math import exp, tanh

import numpy as np
import pytest

from speechlstm.training.layers import lstm_numpy as recurrence


def sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x))


def test_one_unit_follows_the_equations() -> None:
    projected = np.array([[0.3, -0.2, 0.9, 0.1], [-0.7, 0.4, 0.5, 1.2], [0.2, 0.8, -1.1, -0.4]])
    recurrent = np.array([0.5, -0.3, 0.7, 0.2])
    hidden = cell = 0.0
    expected = []
    for row in projected:
        i, f, g, o = row + recurrent * hidden
        cell = sigmoid(f) * cell + sigmoid(i) * tanh(g)
        hidden = sigmoid(o) * tanh(cell)
        expected.append((hidden, cell))
    outputs, _, cells = recurrence.forward(
        projected.reshape(1, 3, 1, 4).astype(np.float32),
        recurrent.reshape(1, 1, 4).astype(np.float32),
        np.array([3], np.int32),
    )
    found = np.stack([outputs.ravel(), cells.ravel()], axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("directions", [1, 2])
def test_slices_of_a_batch_change_nothing(directions: int, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(1)
    lengths = generator.integers(1, 10, 50).astype(np.int32)
    projected = generator.normal(size=(directions, 9, 50, 32)).astype(np.float32)
    kernels = generator.normal(size=(directions, 8, 32)).astype(np.float32)
    true = (np.arange(9)[:, None] < lengths)[None, :, :, None]
    d_outputs = np.where(true, generator.normal(size=(directions, 9, 50, 8)), 0).astype(np.float32)
    results = []
    for num_threads in (1, 16):
        monkeypatch.setattr(recurrence, "num_usable_cores", lambda n=num_threads: n)
        outputs, gates, cells = recurrence.forward(projected, kernels, lengths)
        d_gates = recurrence.backward(d_outputs, gates, cells, kernels, lengths)
        results.append([outputs * true, cells * true, d_gates])
    for whole, sliced in zip(*results, strict=True):
        np.testing.assert_allclose(sliced, whole, atol=1e-6)
