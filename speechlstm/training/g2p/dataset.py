"""Words and their phones as batches."""

from typing import Any

import numpy as np

from speechlstm.errors import AlphabetError, TrainingError
from speechlstm.text.lexicon import LETTERS, Lexicon
from speechlstm.text.targets import min_steps
from speechlstm.training.data.bucketing import bucket, pad
from speechlstm.training.g2p.network import FRAMES


class PronunciationDataset:
    """Batches of words of like length, drawn anew each epoch, in any order.

    Args:
        lexicon: Words to learn from: those that are spelled with a to z and apostrophes. Each
            word's first pronunciation counts, unless CTC cannot put it into FRAMES a letter.
        batch_words: Of a batch.
        seed: Of the order.

    Raises:
        TrainingError: No word can be learnt.
    """

    def __init__(self, lexicon: Lexicon, batch_words: int, seed: int) -> None:
        self._words: list[tuple[list[int], list[int]]] = []
        for word, ways in lexicon.entries.items():
            try:
                letters = LETTERS.encode(word)
            except AlphabetError:
                continue  # a foreign letter, a hyphen, an abbreviation's dot
            phones = lexicon.alphabet.encode(" ".join(ways[0]))
            if min_steps(phones) <= FRAMES * len(letters):
                self._words.append((letters, phones))
        if not self._words:
            raise TrainingError("the dictionary holds no word that a pronouncer could learn")
        self._lengths = np.array([len(letters) for letters, _ in self._words])
        self._batch_words, self._seed = batch_words, seed
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        """Draw the batches of an epoch, counted from 0."""
        generator = np.random.default_rng((self._seed, epoch))
        order = np.lexsort((generator.random(len(self._lengths)), self._lengths))
        batches = bucket(order, self._lengths, max_rows=self._batch_words)
        self._batches = [batches[i] for i in generator.permutation(len(batches))]

    def __len__(self) -> int:
        """Batches of an epoch."""
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Inputs and targets: see G2PNetwork."""
        words = [self._words[i] for i in self._batches[index]]
        letters, phones = zip(*words, strict=True)
        width = max(map(len, letters))
        padded, num_letters = pad(letters, width, np.int32)
        labels, num_labels = pad(phones, FRAMES * width, np.int32)
        inputs = {"letters": padded, "num_letters": num_letters}
        return inputs, {"phones": labels, "num_phones": num_labels}
