"""What a network's update gives must not depend on which batch its process began with."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from speechlstm.config import FeatureConfig, NetworkConfig
from speechlstm.training.acoustic.network import AcousticNetwork
from speechlstm.training.classification.network import ClassifierNetwork
from speechlstm.training.engine.network import Network
from speechlstm.training.engine.optimizer import GuardedAdamW
from speechlstm.training.lm.network import LanguageModelConfig, LanguageModelNetwork

Batch = tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]


def compiled(network: Network) -> Network:
    optimizer = GuardedAdamW(1e-2, global_clipnorm=1.0)
    optimizer.build(network.trainable_variables)
    network.compile(optimizer)
    return network


def new_acoustic_model() -> Network:
    keras.utils.set_random_seed(1)
    config = NetworkConfig(num_layers=1, num_units=24, layer_norm=True)
    return compiled(AcousticNetwork(FeatureConfig(), config, num_labels=9))


def new_language_model() -> Network:
    keras.utils.set_random_seed(1)
    return compiled(LanguageModelNetwork(50, LanguageModelConfig(width=12, num_units=20)))


def recordings(generator: np.random.Generator, size: int, num_samples: int) -> Batch:
    lengths = generator.integers(num_samples // 2, num_samples, size, np.int32, endpoint=True)
    inputs = {
        "samples": generator.normal(0, 0.1, (size, num_samples)).astype(np.float32),
        "num_samples": lengths,
        "time_masks": np.zeros((size, 1, 2), np.int32) + 3,
        "frequency_masks": np.zeros((size, 2, 2), np.int32) + 5,
    }
    targets = {
        "labels": generator.integers(1, 9, (size, 20), np.int32),
        "num_labels": generator.integers(0, 5, size, np.int32),
        "weights": np.ones(size, np.float32),
    }
    return inputs, targets


def sentences(generator: np.random.Generator, size: int, num_samples: int) -> Batch:
    num_steps = num_samples // 1000
    words = generator.integers(0, 50, (size, num_steps + 1), np.int32)
    lengths = generator.integers(1, num_steps, size, np.int32, endpoint=True)
    targets = {
        "next_words": words[:, 1:],
        "sample": np.arange(8, dtype=np.int32),
        "sample_log_probs": np.full(8, -1, np.float32),
    }
    return {"words": words[:, :-1], "num_steps": lengths}, targets


NETWORKS = {
    "acoustic model": (new_acoustic_model, recordings),
    "language model": (new_language_model, sentences),
}


@pytest.fixture(scope="module", params=NETWORKS.values(), ids=NETWORKS)
def case(request: pytest.FixtureRequest) -> tuple[Callable[[], Network], list[Batch]]:
    """What makes a network, and batches for it, no two of one shape."""
    new_network, new_batch = request.param
    generator = np.random.default_rng(1)
    shapes = [(3, 21345), (8, 5000), (1, 9999), (5, 12001), (2, 16000)]
    return new_network, [new_batch(generator, *shape) for shape in shapes]


def variables(model: Network) -> list[NDArray[Any]]:
    return [v.numpy() for v in (*model.variables, *model.optimizer.variables)]


@pytest.mark.slow
def test_a_new_process_goes_on_bit_for_bit(case: tuple[Callable[[], Network], list[Batch]]) -> None:
    new_network, batches = case
    whole = new_network()
    losses = [whole.train_on_batch(*batch) for batch in batches]
    first = new_network()
    assert [first.train_on_batch(*batch) for batch in batches[:2]] == losses[:2]
    second = new_network()
    for variable, value in zip(
        (*second.variables, *second.optimizer.variables), variables(first), strict=True
    ):
        variable.assign(value)
    assert [second.train_on_batch(*batch) for batch in batches[2:]] == losses[2:]
    for found, expected in zip(variables(second), variables(whole), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.slow
def test_predictions_do_not_depend_on_those_before(
    case: tuple[Callable[[], Network], list[Batch]],
) -> None:
    new_network, batches = case
    one, other = new_network(), new_network()
    for inputs, _ in batches:  # with masks and without, as in training and in validation
        one.predict_on_batch(inputs)
        one.predict_on_batch({k: v for k, v in inputs.items() if "masks" not in k})
    for inputs, _ in reversed(batches):
        for found, expected in zip(
            one.predict_on_batch(inputs), other.predict_on_batch(inputs), strict=True
        ):
            np.testing.assert_array_equal(found, expected)


def test_a_loss_is_that_of_its_batch_alone() -> None:
    class Scaled(Network):
        def __init__(self) -> None:
            super().__init__("scaled")
            self.factor = self.add_weight((), "ones")
            self.built = True

        def call(self, inputs: dict[str, Any], training: bool = False) -> Any:
            return inputs["x"] * self.factor

        def compute_loss(self, x: Any, y: Any, y_pred: Any, *_: Any, **__: Any) -> Any:
            return keras.ops.mean(y_pred - y["y"])

    network = Scaled()
    network.compile(keras.optimizers.SGD(0.0))
    zeros, ones = np.zeros((2, 3), np.float32), np.ones((4, 5), np.float32)
    assert network.train_on_batch({"x": 3 * zeros}, {"y": zeros}) == 0
    assert network.train_on_batch({"x": 3 * ones}, {"y": ones}) == 2
    np.testing.assert_array_equal(network.predict_on_batch({"x": 3 * ones}), 3 * ones)


@pytest.mark.parametrize("network", [AcousticNetwork, ClassifierNetwork, LanguageModelNetwork])
def test_no_name_hides_one_of_keras(network: type[Network]) -> None:
    """On jax, Keras' training reads its property `losses` of a model, which a method had hidden."""
    meant = {"call", "compute_loss", "train_on_batch", "predict_on_batch"}
    own = {name for base in network.__mro__ if base.__module__.startswith("speechlstm")
           for name in vars(base) if not name.startswith("__")}  # fmt: skip
    assert own & {*dir(keras.Model)} <= meant
