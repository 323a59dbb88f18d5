"""The network that restores punctuation and case: see speechlstm.readable.punctuation.

Tilk and Alumäe, Bidirectional recurrent neural network with attention mechanism for punctuation
restoration, Interspeech 2016; here without attention, and with case (Susanto, Chieu and Lu,
Learning to capitalize with character-level recurrent neural networks, EMNLP 2016) as a second
output.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import keras
from keras import ops

from speechlstm.config import Schedule
from speechlstm.readable.features import NUM_BUCKETS, NUM_PAUSES
from speechlstm.readable.marked_text import CASES, MARKS
from speechlstm.training.engine.network import Network, build_stack
from speechlstm.training.engine.word_loop import WordNetworkConfig
from speechlstm.training.layers.recurrent import RecurrentLayer


@dataclass(frozen=True)
class PunctuationConfig(WordNetworkConfig):
    """The network, whose layers are bidirectional."""

    section: ClassVar[str] = "punctuation"

    width: int = 96
    num_layers: int = 2
    num_units: int = 96


@dataclass(frozen=True)
class PunctuationTraining(Schedule):
    """How the network is trained; see Schedule for the other settings.

    Attributes:
        batch_words: Words in a batch, padding included.
        max_words: Largest number of words of a sequence of consecutive passages.
        no_pauses: Share of the sequences whose pauses are not known.
        word_dropout: Share of the words of which only the beginning and the end are known.
    """

    section: ClassVar[str] = "punctuation_training"

    num_epochs: int = 5
    batch_words: int = 4000
    max_words: int = 100
    no_pauses: float = 0.4
    word_dropout: float = 0.05
    learning_rate: float = 3e-3
    warmup_steps: int = 100
    decay: float = 0.2
    clip_norm: float = 1.0

    def _check(self) -> None:
        super()._check()
        self._at_least(1, "batch_words", "max_words")
        self._share("word_dropout")
        self._fraction("no_pauses")


class PunctuationNetwork(Network):
    """A bidirectional LSTM from words and pauses to the mark after each word and its case.

    Its inputs are ``ids`` (batch, max_words, NUM_IDS), ``pauses`` (batch, max_words) and
    ``num_words`` (batch,), all int32; its output is (logits, num_words), where logits (batch,
    max_words, num_marks + num_cases) are those of the marks, then those of the cases.
    """

    def __init__(self, config: PunctuationConfig) -> None:
        super().__init__(name="punctuation")
        self.config = config
        normal = keras.initializers.RandomNormal(stddev=0.3)
        self.embedding = keras.layers.Embedding(NUM_BUCKETS, config.width, normal)
        self.pause_embedding = keras.layers.Embedding(NUM_PAUSES, config.width, normal)
        self.recurrent = [RecurrentLayer(config.num_units) for _ in range(config.num_layers)]
        self.dropout = keras.layers.Dropout(config.dropout)
        self.output_layer = keras.layers.Dense(len(MARKS) + len(CASES))
        self.embedding.build((None, None))
        self.pause_embedding.build((None, None))
        build_stack([*self.recurrent, self.output_layer], config.width)
        self.built = True

    def call(self, inputs: dict[str, Any], training: bool = False) -> tuple[Any, Any]:
        """Return the logits and the number of words of each sequence; see the class."""
        num_words = inputs["num_words"]
        x = self.embed(inputs["ids"], inputs["pauses"])
        for layer in self.recurrent:
            x = layer(self.dropout(x, training=training), num_words, training=training)
        return self.output_layer(self.dropout(x, training=training)), num_words

    def embed(self, ids: Any, pauses: Any) -> Any:
        """The input of the first LSTM, (batch, max_words, width)."""
        return ops.sum(self.embedding(ids), axis=2) + self.pause_embedding(pauses)

    def batch_loss(self, outputs: Any, targets: dict[str, Any], training: bool = True) -> Any:
        """The mean cross-entropy of ``marks`` plus that of ``cases`` of a word."""
        logits, num_words = outputs
        log_marks = ops.log_softmax(logits[..., : len(MARKS)])
        log_cases = ops.log_softmax(logits[..., len(MARKS) :])
        losses = 0.0
        for log_probs, labels in ((log_marks, targets["marks"]), (log_cases, targets["cases"])):
            places = ops.convert_to_tensor(labels)[..., None]
            losses = losses - ops.take_along_axis(log_probs, places, axis=-1)[..., 0]
        steps = ops.arange(ops.shape(logits)[1])[None, :] < num_words[:, None]
        return ops.sum(ops.where(steps, losses, 0.0)) / ops.cast(ops.sum(num_words), "float32")
