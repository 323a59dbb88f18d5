"""Learning from a dictionary how words are pronounced: see speechlstm.text.g2p."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from tqdm import tqdm

from speechlstm.errors import AlphabetError, TrainingError
from speechlstm.storage import write_atomically
from speechlstm.text.alphabet import Alphabet
from speechlstm.text.g2p import PHONES
from speechlstm.text.lexicon import LETTERS, Lexicon
from speechlstm.text.targets import min_steps
from speechlstm.tflite.metadata import embed_metadata
from speechlstm.training.data.dataset import pad
from speechlstm.training.engine.network import Network
from speechlstm.training.layers.ctc import ctc_losses
from speechlstm.training.layers.recurrent import RecurrentLayer
from speechlstm.training.tflite.edit import quantize, without_cell_clip

FRAMES = 2  # CTC's, a letter: "x" has two phones; of CMUdict's words 1 in 5,000 needs more
WIDTH = 64  # of a letter's embedding
NUM_LAYERS = 2
NUM_UNITS = 128  # a direction
DROPOUT = 0.2
BATCH_WORDS = 128
LEARNING_RATE = 2e-3  # at its highest, after WARM_UP of all updates; it falls to 0 along a cosine
WARM_UP = 0.05
CLIP_NORM = 5.0

_Example = tuple[list[int], list[int]]  # labels of a word's letters and of its phones


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
        width = WIDTH
        for layer in self.recurrent:
            layer.build((None, None, width))
            width = 2 * NUM_UNITS
        self.output_layer.build((None, None, width))
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

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The batch's mean CTC loss a word; y holds ``phones`` and ``num_phones``."""
        logits, num_steps = y_pred
        return ops.mean(ctc_losses(logits, num_steps, y["phones"], y["num_phones"]))


def train_g2p(
    dictionary: Lexicon, seed: int = 1, num_epochs: int = 8, progress: bool = False
) -> G2PNetwork:
    """Learn from the words of a dictionary that are spelled with a to z and apostrophes.

    Args:
        dictionary: Each word's most usual pronunciation counts, unless it has more phones than
            CTC can put into FRAMES a letter.
        seed: The same seed and dictionary give the same pronouncer.
        num_epochs: How many times all words are seen.
        progress: Whether to show a progress bar on stderr.

    Raises:
        TrainingError: No word can be learnt.
    """
    examples = list(_examples(dictionary))
    if not examples:
        raise TrainingError("the dictionary holds no word that a pronouncer could learn")
    keras.utils.set_random_seed(seed)
    network = G2PNetwork(dictionary.alphabet)
    num_updates = num_epochs * -(-len(examples) // BATCH_WORDS)
    warm_up = int(WARM_UP * num_updates)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, num_updates - warm_up, warmup_target=LEARNING_RATE, warmup_steps=warm_up
    )
    optimizer = keras.optimizers.Adam(rate, global_clipnorm=CLIP_NORM)
    network.compile(optimizer, jit_compile=keras.backend.backend() == "jax")
    with tqdm(total=num_updates, desc="pronouncer", unit=" batches", disable=not progress) as bar:
        for epoch in range(num_epochs):
            for batch in _batches(examples, np.random.default_rng((seed, epoch))):
                letters, phones = zip(*batch, strict=True)
                labels, num_labels = pad(phones, FRAMES * max(map(len, letters)), np.int32)
                targets = {"phones": labels, "num_phones": num_labels}
                loss = network.train_on_batch(_inputs(letters), targets)
                bar.set_postfix(loss=f"{float(loss):.2f}", refresh=False)
                bar.update()
    return network


def _examples(dictionary: Lexicon) -> Iterator[_Example]:
    for word, ways in dictionary.entries.items():
        try:
            letters = LETTERS.encode(word)
        except AlphabetError:
            continue  # a foreign letter, a hyphen, an abbreviation's dot
        phones = dictionary.alphabet.encode(" ".join(ways[0]))
        if min_steps(phones) <= FRAMES * len(letters):
            yield letters, phones


def _batches(
    examples: Sequence[_Example], generator: np.random.Generator
) -> Iterator[list[_Example]]:
    """Examples of like length together, drawn anew each time, the batches in any order."""
    lengths = np.array([len(letters) for letters, _ in examples])
    order = np.lexsort((generator.random(len(examples)), lengths))
    for start in generator.permutation(range(0, len(examples), BATCH_WORDS)):
        yield [examples[i] for i in order[start : start + BATCH_WORDS]]


def _inputs(letters: Sequence[list[int]]) -> dict[str, Any]:
    labels, num_letters = pad(letters, max(map(len, letters)), np.int32)
    return {"letters": labels, "num_letters": num_letters}


def write_g2p(path: Path, network: G2PNetwork) -> None:
    """Write the file that speechlstm.text.g2p.G2PModel reads, its LSTM's kernels in 8 bits.

    Raises:
        ConfigError: Keras runs on another backend than TensorFlow.
        OSError: It cannot be written; a file that was there before is untouched.
    """
    from speechlstm.training.tflite.convert import convert_g2p

    tflite = quantize(without_cell_clip(convert_g2p(network)), "int8")
    write_atomically(path, embed_metadata(tflite, {PHONES: network.phones.symbols}))
