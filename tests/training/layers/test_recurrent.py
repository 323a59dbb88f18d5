"""The recurrent layer against the stock layers of Keras: outputs and every gradient."""

from functools import partial
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from speechlstm.training.layers import lstm_numpy as recurrence
from speechlstm.training.layers import recurrent as bilstm
from speechlstm.training.layers.recurrent import RecurrentLayer

LENGTHS = [4, 1, 6, 2, 6]


def new_layer(width: int, **settings: Any) -> RecurrentLayer:
    """A layer whose biases are not the 0 and 1 that Keras starts from."""
    keras.utils.set_random_seed(1)
    layer = RecurrentLayer(**{"num_units": 6} | settings)
    layer.build((None, None, width))
    for variable in layer.trainable_variables:
        variable.assign_add(keras.random.normal(variable.shape, stddev=0.1))
    return layer


def new_batch(lengths: list[int], width: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    values = np.random.default_rng(1).normal(size=(len(lengths), max(lengths), width))
    return values.astype(np.float32), np.array(lengths, np.int32)


def stock(layer: RecurrentLayer, inputs: Any, lengths: NDArray[np.int32]) -> Any:
    """What Keras makes of it; its masked steps repeat the last output, here they are 0."""
    mask = np.arange(inputs.shape[1]) < lengths[:, None]
    return tf.where(mask[:, :, None], layer.layer(inputs, mask=mask), 0.0)


def gradients(
    layer: RecurrentLayer, compute: Any, inputs: NDArray[np.float32], lengths: NDArray[np.int32]
) -> list[NDArray[np.float32]]:
    """Of a sum of all outputs with weights of either sign: outputs, d_inputs, d_weights."""
    given = tf.constant(inputs)
    with tf.GradientTape() as tape:
        tape.watch(given)
        outputs = compute(given, lengths)
        weights = np.random.default_rng(2).normal(size=outputs.shape)
        total = tf.reduce_sum(outputs * weights.astype(np.float32))
    variables = [variable.value for variable in layer.trainable_variables]
    return [outputs.numpy(), *(g.numpy() for g in tape.gradient(total, [given, *variables]))]


@pytest.mark.parametrize("bidirectional", [pytest.param(True, marks=pytest.mark.slow), False])
@pytest.mark.parametrize(
    ("lengths", "num_threads"),
    [
        pytest.param(LENGTHS, 1, id="ragged"),
        pytest.param([1], 1, id="one step"),
        pytest.param([5, 5], 2, id="no padding", marks=pytest.mark.slow),
        pytest.param(
            [1 + k % 5 for k in range(37)], 8, id="more rows than threads", marks=pytest.mark.slow
        ),
    ],
)
def test_equals_the_stock_layer(
    lengths: list[int], num_threads: int, bidirectional: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recurrence, "num_usable_cores", lambda: num_threads)
    layer = new_layer(4, bidirectional=bidirectional)
    inputs, num_steps = new_batch(lengths, 4)
    found = gradients(layer, layer, inputs, num_steps)
    expected = gradients(layer, lambda x, n: stock(layer, x, n), inputs, num_steps)
    assert len(found) == (8 if bidirectional else 5)
    assert [f.shape for f in found] == [e.shape for e in expected]
    for f, e in zip(found, expected, strict=True):
        assert np.abs(f - e).max() <= 1e-5 * np.abs(e).max()


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("bidirectional", [True, False])
def test_padding_reaches_no_output_and_no_gradient(cell: str, bidirectional: bool) -> None:
    layer = new_layer(4, cell=cell, bidirectional=bidirectional)
    inputs, lengths = new_batch(LENGTHS, 4)
    padding = np.arange(inputs.shape[1]) >= lengths[:, None]
    clean, garbage = inputs.copy(), inputs.copy()
    clean[padding], garbage[padding] = 0, 1e3
    for found, expected in zip(
        gradients(layer, layer, garbage, lengths),
        gradients(layer, layer, clean, lengths),
        strict=True,
    ):
        np.testing.assert_array_equal(found, expected)
    outputs, d_inputs, *_ = gradients(layer, layer, garbage, lengths)
    assert not outputs[padding].any()
    assert not d_inputs[padding].any()
    alone = np.array(layer(inputs[:1, :4], lengths[:1]))
    np.testing.assert_allclose(alone[0], outputs[0, :4], atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{"cell": "gru"}, {"cell": "rnn"}, {"recurrent_dropout": 0.5}])
@pytest.mark.parametrize("bidirectional", [True, False])
def test_other_cells_are_the_stock_layers(
    settings: dict[str, Any], bidirectional: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(bilstm, "has_gpu")
    layer = new_layer(4, bidirectional=bidirectional, **settings)
    inputs, lengths = new_batch(LENGTHS, 4)
    np.testing.assert_array_equal(layer(inputs, lengths), stock(layer, inputs, lengths))


@pytest.mark.slow
def test_recurrent_dropout_acts_in_training_only() -> None:
    layer = new_layer(4, recurrent_dropout=0.5)
    inputs, lengths = new_batch(LENGTHS, 4)
    outputs = np.array(layer(inputs, lengths))
    np.testing.assert_array_equal(layer(inputs, lengths, training=False), outputs)
    assert np.abs(layer(inputs, lengths, training=True) - outputs).max() > 0.01


@pytest.mark.slow
@pytest.mark.parametrize(("products", "difference"), [("bfloat16", 0.02), ("float16", 0.002)])
def test_products_of_16_bits_are_near(products: str, difference: float) -> None:
    inputs, lengths = new_batch(LENGTHS, 4)
    exact, rounded = (new_layer(4, products=p) for p in ("float32", products))
    training = partial(rounded, training=True)
    for found, expected in zip(
        gradients(rounded, training, inputs, lengths),
        gradients(exact, exact, inputs, lengths),
        strict=True,
    ):
        assert found.dtype == np.float32
        assert 1e-5 < np.abs(found - expected).max() / np.abs(expected).max() < difference


@pytest.mark.parametrize(
    ("settings", "has_gpu", "engine"),
    [
        ({"products": "bfloat16"}, False, "the recurrence in NumPy, everything else in TensorFlow"),
        ({}, True, "cuDNN"),
        ({"products": "bfloat16"}, True, "cuDNN; in float32, not bfloat16"),
        (
            {"cell": "gru", "products": "float16"},
            False,
            "Keras step by step: on tensorflow, only lstm has a faster implementation, "
            "gru has not; in float32, not float16",
        ),
        (
            {"recurrent_dropout": 0.5},
            True,
            "Keras step by step: no fused kernel supports recurrent dropout",
        ),
    ],
)
def test_says_what_computes_it(
    settings: dict[str, Any], has_gpu: bool, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bilstm, "has_gpu", lambda: has_gpu)
    assert RecurrentLayer(3, **settings).engine == engine


def test_config_makes_the_same_layer() -> None:
    layer = RecurrentLayer(
        3, cell="gru", bidirectional=False, recurrent_dropout=0.25, products="bfloat16", name="x"
    )
    copy = RecurrentLayer.from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()
    assert copy.layer.get_config()["units"] == 3
    assert isinstance(copy.layer, keras.layers.GRU)
    assert copy.compute_output_shape((2, 5, 7)) == (2, 5, 3)
