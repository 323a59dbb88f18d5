"""The LSTM language model and its settings.

Mikolov et al., Recurrent neural network based language model, Interspeech 2010; with an LSTM:
Sundermeyer, Schlüter and Ney, LSTM neural networks for language modeling, Interspeech 2012.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import keras
from keras import ops

from speechlstm.config import Precision, Schedule
from speechlstm.training.engine.network import Network, build_stack
from speechlstm.training.engine.word_loop import WordNetworkConfig
from speechlstm.training.layers.recurrent import RecurrentLayer

_NEVER = -1e9  # natural log-probability of a term that is left out


@dataclass(frozen=True)
class LanguageModelConfig(WordNetworkConfig):
    """The network of a language model, whose embeddings are shared by input and output."""

    section: ClassVar[str] = "lm"


@dataclass(frozen=True)
class LanguageModelTraining(Schedule):
    """How a language model is trained; see Schedule for the other settings.

    Attributes:
        batch_words: Words in a batch, padding included.
        sample_size: Sampled words from which the denominator of the softmax is estimated.
        precision: Precision of the large matrix products; see TrainConfig.
    """

    section: ClassVar[str] = "lm_training"

    num_epochs: int = 2
    batch_words: int = 5000
    sample_size: int = 1024
    learning_rate: float = 3e-3
    warmup_steps: int = 200
    decay: float = 0.3
    clip_norm: float = 1.0
    precision: Literal["float32", "bfloat16"] = "float32"

    def _check(self) -> None:
        super()._check()
        self._at_least(1, "batch_words", "sample_size")


class LanguageModelNetwork(Network):
    """A language model that maps words to features of the next word.

    Its inputs are ``words`` (batch, max_steps) int32 and ``num_steps`` (batch,) int32; its output
    is (features (batch, max_steps, width), num_steps). The logit of a word is the product of the
    features with its embedding, plus a bias: embeddings and output layer share their weights (Press
    and Wolf, Using the output embedding to improve language models, EACL 2017).

    Args:
        products: Precision of the large matrix products in training.

    >>> network = LanguageModelNetwork(10, LanguageModelConfig(width=4, num_units=8))
    >>> words, num_steps = ops.ones((1, 3), "int32"), ops.array([3], "int32")
    >>> features, _ = network({"words": words, "num_steps": num_steps})
    >>> tuple(features.shape), tuple(network.log_probs(features).shape)
    ((1, 3, 4), (1, 3, 10))
    """

    def __init__(
        self, num_words: int, config: LanguageModelConfig, products: Precision = "float32"
    ) -> None:
        super().__init__(name="language_model")
        self.num_words, self.config, self.products = num_words, config, products
        # With features of variance 1, the logits have variance 1.
        normal = keras.initializers.RandomNormal(stddev=config.width**-0.5)
        self.embedding = keras.layers.Embedding(num_words, config.width, normal)
        self.recurrent = [
            RecurrentLayer(config.num_units, bidirectional=False, products=products)
            for _ in range(config.num_layers)
        ]
        self.projection = keras.layers.Dense(config.width)
        self.dropout = keras.layers.Dropout(config.dropout)
        self.embedding.build((None, None))
        build_stack([*self.recurrent, self.projection], config.width)
        self.bias = self.add_weight((num_words,), "zeros", name="bias")
        self.built = True

    def call(self, inputs: dict[str, Any], training: bool = False) -> tuple[Any, Any]:
        """Return the features and the number of words of each sentence; see the class."""
        x, num_steps = self.embedding(inputs["words"]), inputs["num_steps"]
        for layer in self.recurrent:
            x = layer(self.dropout(x, training=training), num_steps, training=training)
        return self.projection(self.dropout(x, training=training)), num_steps

    def log_probs(self, features: Any) -> Any:
        """The natural log-probabilities (..., num_words) of all words for features (..., width)."""
        logits = ops.matmul(features, ops.transpose(self.embedding.embeddings)) + self.bias
        return ops.log_softmax(logits)

    def batch_loss(self, outputs: Any, targets: dict[str, Any], training: bool = True) -> Any:
        """The mean negative natural log-probability of a word, estimated in training.

        Args:
            targets: ``next_words`` (batch, max_steps) int32; in training also a sample of the
                vocabulary, see `_estimated`.
        """
        features, num_steps = outputs
        y = {key: ops.convert_to_tensor(value) for key, value in targets.items()}
        losses = self._estimated(features, **y) if training else self._exact(features, **y)
        steps = ops.arange(ops.shape(features)[1])[None, :] < num_steps[:, None]
        return ops.sum(ops.where(steps, losses, 0.0)) / ops.cast(ops.sum(num_steps), "float32")

    def _exact(self, features: Any, next_words: Any, **_: Any) -> Any:
        log_probs = self.log_probs(features)
        return -ops.take_along_axis(log_probs, next_words[..., None], axis=-1)[..., 0]

    def _estimated(self, features: Any, next_words: Any, sample: Any, sample_log_probs: Any) -> Any:
        """The losses of a softmax whose denominator is estimated by importance sampling.

        The denominator is the term of the word itself plus the sum of all other terms, which is
        estimated from a sample of the vocabulary (Bengio and Senecal, Adaptive importance sampling
        to accelerate training of a neural probabilistic language model, 2008). The sample is the
        same for the whole batch (Jozefowicz et al., Exploring the limits of language modeling,
        2016).

        Args:
            features: (batch, max_steps, width).
            next_words: (batch, max_steps) int32.
            sample: (num_samples,) int32, different words.
            sample_log_probs: (num_samples,) natural log-probability of each to be in the sample.

        Returns:
            (batch, max_steps) float32.
        """
        own = ops.sum(features * self.embedding(next_words), axis=-1)
        own = own + ops.take(self.bias, next_words)
        others = self._product(features, self.embedding(sample))
        others = others + (ops.take(self.bias, sample) - sample_log_probs)
        others = ops.where(next_words[..., None] == sample, _NEVER, others)
        return ops.logaddexp(own, ops.logsumexp(others, axis=-1)) - own

    def _product(self, features: Any, embeddings: Any) -> Any:
        rows, columns = ops.cast(features, self.products), ops.cast(embeddings, self.products)
        return ops.cast(ops.matmul(rows, ops.transpose(columns)), "float32")
