import numpy as np
import pytest

from speechlstm.lm.partition import PartitionFunction
from speechlstm.tflite.output_layer import OutputLayer


def layer(num_words: int = 20_000, width: int = 16) -> OutputLayer:
    """Rows from a normal distribution, in 8 bits, of words that become rarer and rarer."""
    generator = np.random.default_rng(1)
    rows = generator.normal(0.1, generator.uniform(0.2, 0.4, width), (num_words, width))
    stored = np.round(rows / 0.02).astype(np.int8)
    bias = -np.log(np.arange(num_words) + 10.0) + generator.normal(0, 0.3, num_words)
    return OutputLayer(stored, np.full((1, 1), 0.02, np.float32), bias.astype(np.float32))


@pytest.mark.parametrize(
    ("num_summed", "is_alphabetical", "tolerance"),
    [(1, False, 0.3), (500, False, 0.2), (500, True, 0.2), (20_000, True, 1e-5)],
)
def test_estimates_are_close_for_rows_from_a_normal_distribution(
    num_summed: int, is_alphabetical: bool, tolerance: float
) -> None:
    """In whatever order the words are: those of an n-gram model are not ordered by frequency."""
    full, features = layer(), np.random.default_rng(2).normal(0, 1.5, (50, 16)).astype(np.float32)
    if is_alphabetical:
        order = np.random.default_rng(3).permutation(len(full.bias))
        full = OutputLayer(full.stored[order], full.scales, full.bias[order])
    elif num_summed > 1:
        assert full.most_probable(num_summed).tolist() == list(range(num_summed))
    logits = features.astype(float) @ full.kernel(slice(None)).T.astype(float) + full.bias
    exact = np.logaddexp.reduce(logits, axis=1)
    assert exact.std() > 0.5
    summed = full.most_probable(num_summed)
    estimates = PartitionFunction(full, summed).log(logits[:, summed].astype(np.float32), features)
    np.testing.assert_allclose(estimates, exact, atol=tolerance)


def test_large_logits_do_not_overflow() -> None:
    features = np.full((1, 16), 1e3, np.float32)
    first = np.array([[800.0, 900.0]], np.float32)
    assert np.isfinite(
        PartitionFunction(layer(), np.arange(2)).log(first, np.zeros_like(features))
    )[0]
    small = OutputLayer(np.zeros((2, 16), np.int8), np.ones((1, 1), np.float32), np.zeros(2))
    assert PartitionFunction(small, np.arange(2)).log(first, features)[0] == pytest.approx(900)
