import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

SCRIPT = runpy.run_path(str(Path(__file__).parents[3] / "scripts" / "pocket" / "sizes.py"))
GENERATOR = np.random.default_rng(1)


def kernel(width: int, num_units: int) -> object:
    """A random kernel whose inputs have a few strong directions."""
    inputs = GENERATOR.normal(size=(500, width)) * np.geomspace(1, 0.01, width)
    return SCRIPT["Kernel"](None, GENERATOR.normal(size=(width, 4 * num_units)), inputs.T @ inputs)


@pytest.mark.parametrize("method", SCRIPT["METHODS"])
def test_all_components_make_the_kernel(method: str) -> None:
    one = kernel(12, 5)
    left, singular, right = SCRIPT["decompose"](one, method)
    np.testing.assert_allclose(left @ right, one.values, atol=1e-9)
    assert (np.diff(singular) <= 0).all()


def test_each_method_keeps_what_it_says() -> None:
    one = kernel(12, 5)
    errors = {}
    for method in SCRIPT["METHODS"]:
        left, _, right = SCRIPT["decompose"](one, method)
        difference = left[:, :6] @ right[:6] - one.values
        products = np.trace(difference.T @ one.covariance @ difference)
        errors[method] = (np.square(difference).sum(), products)
    assert errors["weights"][0] < errors["products"][0]
    assert errors["products"][1] < errors["weights"][1]


def test_ranks_keep_to_the_share() -> None:
    kernels = [kernel(12, 5), kernel(20, 5)]
    spectra = [SCRIPT["decompose"](k, "products")[1] for k in kernels]
    total = sum(k.values.size for k in kernels)
    for share in (0.9, 0.6, 0.3):
        ranks = SCRIPT["ranks"](spectra, kernels, share)
        num_bytes = sum(
            k.values.size if rank < 0 else rank * SCRIPT["bytes_of_rank"](k)
            for k, rank in zip(kernels, ranks, strict=True)
        )
        assert share * total - 60 < num_bytes <= share * total
    assert SCRIPT["ranks"](spectra, kernels, 1.0) == [-1, -1]


@pytest.mark.parametrize("method", SCRIPT["FOUR_BITS"])
def test_four_bits_take_half_a_byte_a_weight_and_a_scale_a_row(method: str) -> None:
    stored: list[np.ndarray] = []
    values = GENERATOR.normal(size=(12, 20))
    weight = SimpleNamespace(assign=stored.append)
    kernels = [SCRIPT["Kernel"](weight, values, np.eye(12))]
    num_bytes = SCRIPT["store_in_four_bits"](kernels, method)
    assert num_bytes == 12 * 20 // 2 + 20 * (4 + 8)
    for found, column in zip(stored[0].T, values.T, strict=True):
        assert 4 <= len(np.unique(found)) <= 12  # of 15, some of which a column does not use
        assert np.abs(found - column).max() < np.abs(column).max() / 4


def test_rounding_has_a_scale_for_each_part() -> None:
    values = np.hstack([GENERATOR.normal(size=(3, 4)), 100 * GENERATOR.normal(size=(3, 4))])
    errors = np.abs(SCRIPT["rounded"](values, 2) - values)
    assert errors[:, :4].max() < np.abs(values[:, :4]).max() / 254 + 1e-12
    assert errors[:, 4:].max() > 0.05
