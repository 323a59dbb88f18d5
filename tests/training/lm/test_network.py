from itertools import product
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from speechlstm.errors import ConfigError
from speechlstm.training.lm.network import (
    LanguageModelConfig,
    LanguageModelNetwork,
    LanguageModelTraining,
)

NUM_WORDS = 9


@pytest.fixture(scope="module")
def network() -> LanguageModelNetwork:
    keras.utils.set_random_seed(1)
    config = LanguageModelConfig(width=3, num_layers=2, num_units=4, dropout=0.0)
    network = LanguageModelNetwork(NUM_WORDS, config)
    for variable in network.trainable_variables:
        variable.assign(np.random.default_rng(1).normal(size=variable.shape))
    return network


@pytest.fixture(scope="module")
def inputs() -> dict[str, Any]:
    words = np.random.default_rng(2).integers(0, NUM_WORDS, (3, 5)).astype(np.int32)
    return {"words": words, "num_steps": np.array([5, 2, 4], np.int32)}


@pytest.fixture(scope="module")
def next_words() -> NDArray[np.int32]:
    return np.random.default_rng(3).integers(0, NUM_WORDS, (3, 5)).astype(np.int32)


def losses_by_hand(
    network: LanguageModelNetwork, inputs: dict[str, Any], next_words: NDArray[np.int32]
) -> list[float]:
    """Of each word within a sentence, from the features: a softmax over all words."""
    features, embeddings, bias = map(
        keras.ops.convert_to_numpy, (network(inputs)[0], network.embedding.embeddings, network.bias)
    )
    losses = []
    for row, num_steps in enumerate(inputs["num_steps"]):
        for step in range(num_steps):
            scores = features[row, step] @ embeddings.T + bias
            losses.append(np.log(np.exp(scores).sum()) - scores[next_words[row, step]])
    return losses


def test_the_loss_is_that_of_words_within_their_sentences(
    network: LanguageModelNetwork, inputs: dict[str, Any], next_words: NDArray[np.int32]
) -> None:
    loss = network.compute_loss(
        y={"next_words": next_words}, y_pred=network(inputs), training=False
    )
    assert float(loss) == pytest.approx(np.mean(losses_by_hand(network, inputs, next_words)))


def test_a_sample_of_all_words_estimates_the_loss_exactly(
    network: LanguageModelNetwork, inputs: dict[str, Any], next_words: NDArray[np.int32]
) -> None:
    sample = np.random.default_rng(4).permutation(NUM_WORDS).astype(np.int32)
    targets = {
        "next_words": next_words, "sample": sample, "sample_log_probs": np.zeros(NUM_WORDS, "f")
    }  # fmt: skip
    loss = network.compute_loss(y=targets, y_pred=network(inputs), training=True)
    assert float(loss) == pytest.approx(np.mean(losses_by_hand(network, inputs, next_words)))


@pytest.mark.slow
def test_the_estimate_of_the_denominator_is_right_on_the_average(
    network: LanguageModelNetwork, inputs: dict[str, Any]
) -> None:
    """Over all samples of the words but 0, to which others belong with chances of their own."""
    y_pred = network({"words": inputs["words"][:1, :1], "num_steps": np.ones(1, np.int32)})
    log_probs = keras.ops.convert_to_numpy(network.log_probs(y_pred[0]))[0, 0]
    chances = np.linspace(0.3, 1.0, NUM_WORDS)
    mean = 0.0
    for others in product([0, 1], repeat=NUM_WORDS - 2):
        drawn = np.array([1, *others, 1], bool)  # the own word too: it does not count twice
        targets = {
            "next_words": np.zeros((1, 1), np.int32),
            "sample": np.flatnonzero(drawn).astype(np.int32),
            "sample_log_probs": np.log(chances[drawn]).astype("f"),
        }
        loss = network.compute_loss(y=targets, y_pred=y_pred, training=True)
        chance = np.where(drawn, chances, 1 - chances)[1:-1].prod()
        mean += chance * float(np.exp(loss))  # the denominator by the word's own term
    assert mean == pytest.approx(float(np.exp(-log_probs[0])), rel=1e-5)


def test_padding_and_neighbours_change_nothing(
    network: LanguageModelNetwork, inputs: dict[str, Any]
) -> None:
    together = keras.ops.convert_to_numpy(network(inputs)[0])
    for row, num_steps in enumerate(inputs["num_steps"]):
        words = inputs["words"][row : row + 1, :num_steps]
        alone = network({"words": words, "num_steps": np.array([num_steps])})[0]
        expected = keras.ops.convert_to_numpy(alone)[0]
        np.testing.assert_allclose(together[row, :num_steps], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("config", "values", "message"),
    [
        (LanguageModelConfig, {"num_layers": 0}, r"lm\.num_layers"),
        (LanguageModelConfig, {"dropout": 1.0}, r"lm\.dropout"),
        (LanguageModelConfig, {"units": 3}, r"lm\.units: unknown setting"),
        (LanguageModelTraining, {"sample_size": 0}, r"lm_training\.sample_size"),
        (LanguageModelTraining, {"learning_rate": 0.0}, "greater than 0, is 0"),
        (LanguageModelTraining, {"decay": 1.5}, r"in \[0, 1\], is 1\.5"),
    ],
)
def test_wrong_settings_are_refused(config: Any, values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config.from_dict(values)
