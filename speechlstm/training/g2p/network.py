"""The g2p network, which maps the letters of a word to phones, and its training on a lexicon."""

from typing import Any

import keras
import numpy as np
from keras import ops
from tqdm import tqdm

from speechlstm.errors import AlphabetError, TrainingError
from speechlstm.text.alphabet import Alphabet
from speechlstm.text.lexicon import LETTERS, Lexicon
from speechlstm.text.targets import min_steps
from speechlstm.training.data.bucketing import pad, shuffled_batches
from speechlstm.training.data.prefetch import prefetched
from speechlstm.training.engine.network import Network, build_stack
from speechlstm.training.layers.ctc import ctc_losses
from speechlstm.training.layers.recurrent import RecurrentLayer

FRAMES = 2  # output frames for each letter: "x" has two phones; 1 in 5,000 words needs more
WIDTH = 64  # of the embedding of a letter
NUM_LAYERS = 2
NUM_UNITS = 128  # in each direction
DROPOUT = 0.2
BATCH_WORDS = 128
LEARNING_RATE = 2e-3  # after the warm-up, from which it falls to 0 along a cosine
WARM_UP = 0.05  # fraction of all updates
CLIP_NORM = 5.0


class G2PNetwork(Network):
    """A bidirectional LSTM from letters to phones, trained with CTC by `train_g2p`.

    Its inputs are ``letters`` (batch, max_letters) int32, padded with 0, and ``num_letters``
    (batch,) int32; its output is (logits (batch, max_letters * FRAMES, phones.num_labels),
    num_steps (batch,) int32).

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


class PronunciationDataset:
    """Batches of words of similar lengths, in a random order that each epoch draws again.

    Args:
        lexicon: The words and their pronunciations. The dataset has the first pronunciation of each
            word of the letters a to z and apostrophes, unless it has more phones than CTC can align
            to FRAMES output frames for each letter.
        batch_words: Largest number of words of a batch.
        seed: Seed of the order.

    Raises:
        TrainingError: The lexicon has no usable word.
    """

    def __init__(self, lexicon: Lexicon, batch_words: int, seed: int) -> None:
        self._words: list[tuple[list[int], list[int]]] = []
        for word, pronunciations in lexicon.entries.items():
            try:
                letters = LETTERS.encode(word)
            except AlphabetError:
                continue  # another letter, a hyphen, the dot of an abbreviation
            phones = lexicon.alphabet.encode(" ".join(pronunciations[0]))
            if min_steps(phones) <= FRAMES * len(letters):
                self._words.append((letters, phones))
        if not self._words:
            raise TrainingError(
                "no word of the lexicon can be used to train g2p: it needs words of a to z and "
                "apostrophes"
            )
        self._lengths = np.array([len(letters) for letters, _ in self._words])
        self._batch_words, self._seed = batch_words, seed
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        """Draw the batches of an epoch; epochs are counted from 0."""
        generator = np.random.default_rng((self._seed, epoch))
        self._batches = shuffled_batches(generator, self._lengths, max_rows=self._batch_words)

    def __len__(self) -> int:
        """The number of batches of an epoch."""
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the inputs and targets of a batch; see G2PNetwork."""
        words = [self._words[i] for i in self._batches[index]]
        letters, phones = zip(*words, strict=True)
        width = max(map(len, letters))
        padded, num_letters = pad(letters, width, np.int32)
        labels, num_labels = pad(phones, FRAMES * width, np.int32)
        inputs = {"letters": padded, "num_letters": num_letters}
        return inputs, {"phones": labels, "num_phones": num_labels}


def train_g2p(
    lexicon: Lexicon, seed: int = 1, num_epochs: int = 8, progress: bool = False
) -> G2PNetwork:
    """Train a g2p network.

    As this takes only minutes, there is no run that could be resumed.

    Args:
        lexicon: The training data; see PronunciationDataset.
        seed: Seed of the weights and of the order; equal seeds give equal networks.

    Raises:
        TrainingError: The lexicon has no usable word.
    """
    train_data = PronunciationDataset(lexicon, BATCH_WORDS, seed)
    keras.utils.set_random_seed(seed)
    network = G2PNetwork(lexicon.alphabet)
    num_updates = num_epochs * len(train_data)
    warm_up = int(WARM_UP * num_updates)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, num_updates - warm_up, warmup_target=LEARNING_RATE, warmup_steps=warm_up
    )
    optimizer = keras.optimizers.Adam(rate, global_clipnorm=CLIP_NORM)
    network.compile(optimizer, jit_compile=keras.backend.backend() == "jax")
    with tqdm(total=num_updates, desc="g2p", unit=" batches", disable=not progress) as bar:
        for epoch in range(num_epochs):
            train_data.start_epoch(epoch)
            for _, batch, _ in prefetched(train_data, 0):
                loss = network.train_on_batch(*batch)
                bar.set_postfix(loss=f"{loss:.2f}", refresh=False)
                bar.update()
    return network
