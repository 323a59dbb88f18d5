"""The g2p network, which maps the letters of a word to phones: see speechlstm.text.g2p."""

from typing import Any

import keras
from keras import ops

from speechlstm.text.alphabet import Alphabet
from speechlstm.text.lexicon import LETTERS
from speechlstm.training.engine.network import Network, build_stack
from speechlstm.training.layers.ctc import ctc_losses
from speechlstm.training.layers.recurrent import RecurrentLayer

FRAMES = 2  # output frames for each letter: "x" has two phones; 1 in 5,000 words needs more
WIDTH = 64  # of the embedding of a letter
NUM_LAYERS = 2
NUM_UNITS = 128  # in each direction
DROPOUT = 0.2


class G2PNetwork(Network):
    """A bidirectional LSTM from letters to phones, trained with CTC by `train_g2p`.

    Its inputs are ``letters`` (batch, max_letters) int32, padded with 0, and ``num_letters``
    (batch,) int32; its output is (logits (batch, max_letters * FRAMES, phones.num_labels),
    num_steps (batch,) int32).

    Args:
        phones: The alphabet of the phones.

    >>> import numpy as np
    >>> network = G2PNetwork(Alphabet(("K", "AE", "T"), separator=" "))
    >>> letters = np.array([LETTERS.encode("cat")], np.int32)
    >>> logits, num_steps = network({"letters": letters, "num_letters": np.array([3], np.int32)})
    >>> tuple(logits.shape)
    (1, 6, 4)
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
        """Return the logits and the number of output frames of each word; see the class."""
        x, num_steps = self.embedding(inputs["letters"]), inputs["num_letters"] * FRAMES
        # A wider output layer that predicts all frames of a letter at once would need no repetition
        # and half the time, but was worse: trained on a tenth of CMUdict, 43 % of unseen words were
        # correct instead of 54 %.
        x = ops.repeat(x, FRAMES, axis=1)
        for layer in self.recurrent:
            x = self.dropout(layer(x, num_steps, training=training), training=training)
        return self.output_layer(x), num_steps

    def batch_loss(self, outputs: Any, targets: dict[str, Any], training: bool = True) -> Any:
        """The mean CTC loss of a word; the targets are ``phones`` and ``num_phones``."""
        logits, num_steps = outputs
        return ops.mean(ctc_losses(logits, num_steps, targets["phones"], targets["num_phones"]))
