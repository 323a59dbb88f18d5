"""Batches of words with their phones, for the training of the g2p network."""

from typing import Any

import numpy as np

from speechlstm.errors import AlphabetError, TrainingError
from speechlstm.text.lexicon import LETTERS, Lexicon
from speechlstm.text.targets import min_steps
from speechlstm.training.data.bucketing import pad, shuffled_batches
from speechlstm.training.g2p.network import FRAMES


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
