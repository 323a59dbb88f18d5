import itertools

import numpy as np
import pytest

from speechlstm.tflite.four_bits import pack, rounded, row_scales, unpack

GENERATOR = np.random.default_rng(1)


def test_no_other_scale_is_much_better() -> None:
    kernel = GENERATOR.normal(size=(20, 50)) * np.geomspace(0.01, 100, 20)[:, None]
    scales = row_scales(kernel)
    errors = np.square(rounded(kernel, scales) * scales - kernel).sum(axis=1)
    for row, error in zip(kernel, errors, strict=True):
        candidates = np.linspace(0.02, 0.5, 2000) * np.abs(row).max()
        stored = np.clip(np.round(row / candidates[:, None]), -7, 7)
        best = np.square(stored * candidates[:, None] - row).sum(axis=1).min()
        assert best <= error < 1.15 * best


@pytest.mark.parametrize("largest", range(1, 8))
def test_multiples_of_a_scale_stay_as_they_are(largest: int) -> None:
    values = GENERATOR.integers(-largest, largest + 1, (4, 30))
    values[:, 0] = largest
    kernel = (np.array([[0.037], [1.0], [1e-6], [123.4]]) * values).astype(np.float32)
    scales = row_scales(kernel)
    np.testing.assert_allclose(rounded(kernel, scales) * scales, kernel, rtol=1e-6)


def test_a_row_of_zeros_has_a_scale() -> None:
    scales = row_scales(np.zeros((2, 3)))
    assert (scales > 0).all() and not rounded(np.zeros((2, 3)), scales).any()


@pytest.mark.parametrize("count", [1, 2, 5, 6])
def test_numbers_are_read_back_from_half_as_many_bytes(count: int) -> None:
    everything = itertools.product(range(-7, 8), repeat=2)
    values = np.array(list(everything), np.int8).ravel()[: 40 * count + count % 2]
    packed = pack(values)
    assert len(packed) == -(-len(values) // 2)
    np.testing.assert_array_equal(unpack(packed, len(values)), values)
