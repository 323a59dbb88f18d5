"""How words may sound that no dictionary has: letters to phones.

Rao, Peng, Sak and Beaufays, Grapheme-to-phoneme conversion using long short-term memory recurrent
neural networks, ICASSP 2015: a bidirectional LSTM reads the letters, CTC aligns the phones.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray
from tqdm import tqdm

from speechlstm.alphabet import BLANK, Alphabet
from speechlstm.errors import AlphabetError, ModelError, TrainingError
from speechlstm.pronunciation import LETTERS, Phones, PronouncingDictionary
from speechlstm.targets import min_steps
from speechlstm.training.bilstm import BiLSTM
from speechlstm.training.checkpoint import load_checkpoint, save_checkpoint
from speechlstm.training.dataset import pad
from speechlstm.training.loss import ctc_losses

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


class Pronouncer(keras.Model):
    """Letters in, phones out; made by `train_pronouncer` or `load_pronouncer`.

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
        self.recurrent = [BiLSTM(NUM_UNITS) for _ in range(NUM_LAYERS)]
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

    def pronounce(self, words: Sequence[str]) -> list[Phones]:
        """The most likely pronunciation of each word (best path); none is empty.

        Args:
            words: Of a to z and apostrophes.

        Raises:
            AlphabetError: A word holds another character.
            ValueError: A word is empty.
        """
        if not all(words):
            raise ValueError("an empty word has no pronunciation")
        letters = [LETTERS.encode(word) for word in words]
        spoken: list[Phones] = [()] * len(words)
        by_length = sorted(range(len(words)), key=lambda i: len(words[i]))
        for start in range(0, len(words), BATCH_WORDS):
            batch = by_length[start : start + BATCH_WORDS]
            logits, num_steps = self.predict_on_batch(_inputs([letters[i] for i in batch]))
            for i, rows, length in zip(batch, logits, num_steps, strict=True):
                spoken[i] = tuple(self.phones.symbols[k - 1] for k in _best_path(rows[:length]))
        return spoken


def _best_path(logits: NDArray[np.float32]) -> list[int]:
    """Labels of the best path; where that is all blank, the likeliest phone of all frames."""
    best = logits.argmax(axis=1)
    labels = best[(np.diff(best, prepend=BLANK) != 0) & (best != BLANK)]
    if not labels.size:
        log_odds = logits[:, 1:] - logits[:, :1]  # against the blank's
        labels = 1 + log_odds.max(axis=0).argmax(keepdims=True)
    return [int(label) for label in labels]


def train_pronouncer(
    dictionary: PronouncingDictionary, seed: int = 1, num_epochs: int = 8, progress: bool = False
) -> Pronouncer:
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
    pronouncer = Pronouncer(dictionary.alphabet)
    num_updates = num_epochs * -(-len(examples) // BATCH_WORDS)
    warm_up = int(WARM_UP * num_updates)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, num_updates - warm_up, warmup_target=LEARNING_RATE, warmup_steps=warm_up
    )
    optimizer = keras.optimizers.Adam(rate, global_clipnorm=CLIP_NORM)
    pronouncer.compile(optimizer, jit_compile=keras.backend.backend() == "jax")
    with tqdm(total=num_updates, desc="pronouncer", unit=" batches", disable=not progress) as bar:
        for epoch in range(num_epochs):
            for batch in _batches(examples, np.random.default_rng((seed, epoch))):
                letters, phones = zip(*batch, strict=True)
                labels, num_labels = pad(phones, FRAMES * max(map(len, letters)), np.int32)
                targets = {"phones": labels, "num_phones": num_labels}
                pronouncer.reset_metrics()
                loss = pronouncer.train_on_batch(_inputs(letters), targets)
                bar.set_postfix(loss=f"{float(loss):.2f}", refresh=False)
                bar.update()
    return pronouncer


def _examples(dictionary: PronouncingDictionary) -> Iterator[_Example]:
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


def save_pronouncer(path: Path, pronouncer: Pronouncer) -> None:
    """Write a pronouncer; OSError if that fails, and then any file that was there is untouched."""
    save_checkpoint(path, {"pronouncer": pronouncer.variables}, pronouncer.phones.symbols)


def load_pronouncer(path: Path, phones: Alphabet) -> Pronouncer:
    """Read what save_pronouncer wrote.

    Raises:
        ModelError: The file is missing or damaged, or its pronouncer was trained for other phones.
    """
    pronouncer = Pronouncer(phones)
    symbols = load_checkpoint(path, {"pronouncer": pronouncer.variables})
    if symbols != list(phones.symbols):
        raise ModelError(f"{path}: trained for other phones than the dictionary's; train it anew")
    return pronouncer
