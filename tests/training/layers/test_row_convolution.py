import keras
import numpy as np

from speechlstm.training.layers.row_convolution import RowConvolution


def layer_of(lookahead: int, width: int) -> RowConvolution:
    layer = RowConvolution(lookahead)
    layer.build((None, None, width))
    return layer


def test_is_the_identity_at_first() -> None:
    inputs = np.random.default_rng(1).normal(size=(2, 9, 3)).astype(np.float32)
    np.testing.assert_array_equal(layer_of(4, 3)(inputs), inputs[:, :5])


def test_each_unit_is_correlated_with_its_own_kernel() -> None:
    generator = np.random.default_rng(1)
    inputs = generator.normal(size=(2, 12, 3)).astype(np.float32)
    layer = layer_of(4, 3)
    kernel = generator.normal(size=(5, 3)).astype(np.float32)
    layer.kernel.assign(kernel)
    outputs = np.asarray(layer(inputs))
    for row in range(2):
        for unit in range(3):
            expected = np.correlate(inputs[row, :, unit], kernel[:, unit], "valid")
            np.testing.assert_allclose(outputs[row, :, unit], expected, rtol=1e-5, atol=1e-5)


def test_a_config_makes_the_same_layer() -> None:
    layer = layer_of(2, 3)
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    assert isinstance(again, RowConvolution)
    assert again.lookahead == 2
