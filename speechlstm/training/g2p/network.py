"""The network that says how a word is pronounced: see speechlstm.text.g2p."""

from typing import Any

import keras
from keras import ops

from speechlstm.text.alphabet import Alphabet
from speechlstm.text.lexicon import LETTERS
from speechlstm.training.engine.network import Network, build_stack
from speechlstm.training.layers.ctc import ctc_losses
from speechlstm.training.layers.recurrent import RecurrentLayer

FRAMES = 2  # CTC's, a letter: "x" has two phones; of CMUdict's words 1 in 5,000 needs more
WIDTH = 64  # of a letter's embedding
NUM_LAYERS = 2
NUM_UNITS = 128  # a direction
DROPOUT = 0.2


class G2PNetwork(Network):
    """Letters in, phones out; made by `train_g2p`.

    Its input is ``letters`` (batch, max_letters) int32, 0 beyond a word's own, and ``num_letters``
    (batch,) int32; its output (logits (batch, max_letters * FRAMES, phones.num_labels), num_steps
    (batch,) int32).

    Args:
        phones: What it can say.
    """

    def __init__(self, phones: Alphabet) -> None:
        super().__init__(name="pronouncer")
        self.phones = phones
        self.embedding = keras.layers.Embedding(LETTERS.num_labels, WIDTH)
        self.recurrent = [RecurrentLayer(NUM_UNITS) for _ in range(NUM_LAYERS)]
        self.dropout = keras.layers.Dropout(DROPOUT)
        self.output_layer = keras.layers.Dense(phones.num_labels)
        self.embedding.build((None, None))
        build_stack([*self.recurrent, self.output_layer], WIDTH)
        self.built = True

    def call(self, inputs: dict[str, Any], training: bool = False) -> tuple[Any, Any]:
        """Logits and their true lengths; see the class."""
        x, num_steps = self.embedding(inputs["letters"]), inputs["num_letters"] * FRAMES
        # An output that says all frames of a letter at once would need no repetition, and half the
        # time: from a tenth of CMUdict it got 43 % of unseen words right instead of 54 %.
        x = ops.repeat(x, FRAMES, axis=1)
        for layer in self.recurrent:
            x = self.dropout(layer(x, num_steps, training=training), training=training)
        return self.output_layer(x), num_steps

    def batch_loss(self, outputs: Any, targets: dict[str, Any], training: bool = True) -> Any:
        """The mean CTC loss of a word; the targets are ``phones`` and ``num_phones``."""
        logits, num_steps = outputs
        return ops.mean(ctc_losses(logits, num_steps, targets["phones"], targets["num_phones"]))
