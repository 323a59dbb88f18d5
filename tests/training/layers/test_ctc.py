"""CTC against a sum over every path there is."""

from itertools import groupby, product

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from speechlstm.training.layers.ctc import consistency_losses, ctc_losses

# Steps and labels: repeats that need a blank between them, texts that just fit, the empty text.
CASES = [
    (5, [1, 2]),
    (5, [1, 1]),
    (6, [2, 2, 2, 1]),
    (3, [1, 2, 3]),
    (5, [1, 1, 1]),
    (4, []),
    (1, [3]),
    (1, []),
]
NUM_LABELS = 4


def new_logits(num_steps: int) -> NDArray[np.float32]:
    values = np.random.default_rng(num_steps).normal(scale=2, size=(num_steps, NUM_LABELS))
    return values.astype(np.float32)


def brute_force(
    logits: NDArray[np.float32], labels: list[int]
) -> tuple[float, NDArray[np.float64]]:
    """Loss and its gradient: probabilities less those given that the path spells the labels."""
    probs = np.exp(logits.astype(np.float64))
    probs /= probs.sum(axis=1, keepdims=True)
    total, occupied = 0.0, np.zeros(logits.shape)
    steps = np.arange(len(logits))
    for path in product(range(NUM_LABELS), repeat=len(logits)):
        if [label for label, _ in groupby(path) if label != 0] == labels:
            probability = probs[steps, path].prod()
            total += probability
            occupied[steps, path] += probability
    return -np.log(total), probs - occupied / total


def losses_and_gradient(
    logits: NDArray[np.float32], num_steps: list[int], labels: NDArray[np.int32], lengths: list[int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    given = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(given)
        losses = ctc_losses(given, np.array(num_steps), labels, np.array(lengths))
    return losses.numpy(), tape.gradient(losses, given).numpy()


@pytest.mark.parametrize(("num_steps", "labels"), CASES)
def test_equals_the_sum_over_all_paths(num_steps: int, labels: list[int]) -> None:
    logits = new_logits(num_steps)
    targets = np.array([labels or [0]], np.int32)  # a batch has at least one column
    losses, gradient = losses_and_gradient(logits[None], [num_steps], targets, [len(labels)])
    loss, expected = brute_force(logits, labels)
    assert losses[0] == pytest.approx(loss, rel=1e-4, abs=1e-4)
    np.testing.assert_allclose(gradient[0], expected, atol=1e-5)


@pytest.mark.parametrize("garbage", [0, 2, 99, -1])
def test_padding_changes_neither_loss_nor_gradient(garbage: int) -> None:
    logits = np.full((len(CASES), 9, NUM_LABELS), 50 * garbage, np.float32)
    labels = np.full((len(CASES), 7), garbage, np.int32)
    for k, (num_steps, target) in enumerate(CASES):
        logits[k, :num_steps] = new_logits(num_steps)
        labels[k, : len(target)] = target
    losses, gradient = losses_and_gradient(
        logits, [n for n, _ in CASES], labels, [len(target) for _, target in CASES]
    )
    for k, (num_steps, target) in enumerate(CASES):
        loss, expected = brute_force(logits[k, :num_steps], target)
        assert losses[k] == pytest.approx(loss, rel=1e-4, abs=1e-4)
        np.testing.assert_allclose(gradient[k, :num_steps], expected, atol=1e-5)
        assert not gradient[k, num_steps:].any()


def test_views_differ_by_the_divergence_of_their_true_steps() -> None:
    from scipy.special import rel_entr

    logits = np.random.default_rng(1).normal(scale=2, size=(4, 6, NUM_LABELS)).astype(np.float32)
    logits[3] = logits[2]
    losses = np.array(consistency_losses(logits, np.array([4, 4, 6, 6], np.int32)))
    probs = np.exp(logits.astype(np.float64))
    probs /= probs.sum(axis=-1, keepdims=True)
    first, second = probs[0, :4], probs[1, :4]
    expected = [rel_entr(second, first).sum(), rel_entr(first, second).sum(), 0, 0]
    np.testing.assert_allclose(losses, expected, rtol=1e-5, atol=1e-5)


def test_a_view_learns_from_its_partner_as_that_stands() -> None:
    logits = tf.constant(np.random.default_rng(1).normal(size=(2, 5, NUM_LABELS)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        losses = consistency_losses(logits, np.array([5, 3], np.int32))
    first, second = tf.nn.softmax(logits).numpy()
    true = np.array([1, 1, 1, 0, 0])[:, None]
    expected = [first - second, (second - first) * true]
    np.testing.assert_allclose(tape.gradient(losses, logits), expected, atol=1e-6)
