"""Grapheme-to-phoneme conversion (G2P): predicts the phones of words that no dictionary has.

Rao, Peng, Sak and Beaufays, "Grapheme-to-phoneme conversion using long short-term memory recurrent
neural networks", ICASSP 2015: a bidirectional LSTM reads the letters, and CTC aligns the phones.
speechlstm.training.g2p.network trains the network; here it runs without TensorFlow.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speechlstm.arguments import StrPath
from speechlstm.errors import BundleError, ConfigError, quoted
from speechlstm.text.alphabet import BLANK, Alphabet
from speechlstm.text.lexicon import LETTERS, Phones
from speechlstm.tflite.interpreter import TFLiteModel
from speechlstm.tflite.metadata import read_described
from speechlstm.tflite.tensor import TensorSpec

PHONES = "phones"  # the key of the network's phones in the description inside its file


class G2PModel:
    """Predicts the pronunciation of words.

    >>> from speechlstm.bundle import default_bundle
    >>> G2PModel(default_bundle() / "pronouncer.tflite").pronounce("cat")
    ('K', 'AE', 'T')

    Args:
        path: A .tflite file with the input letters (1, num_letters) int32 and the output logits (1,
            num_steps, num_labels).

    Attributes:
        phones: The phones that the network can emit.

    Raises:
        BundleError: The file cannot be read, is damaged, or has another kind of network.
    """

    def __init__(self, path: StrPath) -> None:
        self._path = path = Path(path)
        content, description = read_described(path)
        symbols = description.get(PHONES)
        if not isinstance(symbols, list) or not all(isinstance(s, str) for s in symbols):
            raise BundleError(path, "is not a G2P network; make one with speechlstm lexicon --g2p")
        try:
            self.phones = Alphabet(tuple(symbols), separator=" ")
        except ConfigError as error:
            raise BundleError(path, str(error)) from None
        self._model = TFLiteModel(
            path,
            {"letters": TensorSpec("int32", (1, None))},
            {"output_0": TensorSpec("float32", (1, None, self.phones.num_labels))},
            content=content,
        )

    def pronounce(self, word: str) -> Phones:
        """The most probable pronunciation (best path), which is never empty.

        Args:
            word: Letters a to z and apostrophes.

        Raises:
            AlphabetError: The word has another character.
            BundleError: LiteRT cannot run the network.
            ValueError: The word is empty.
        """
        letters = np.array([LETTERS.encode(word)], np.int32)
        if not letters.size:
            raise ValueError("an empty word has no pronunciation")
        logits = self._model.run(letters=letters)["output_0"][0]
        if not len(logits):
            raise BundleError(self._path, f"has no output for {quoted(word)}")
        labels = _best_path(logits)
        return tuple(self.phones.symbols[label - 1] for label in labels)


def _best_path(logits: NDArray[np.float32]) -> list[int]:
    """The labels of the best path; if it is all blank, the most probable phone of any frame."""
    best = logits.argmax(axis=1)
    labels = best[(np.diff(best, prepend=BLANK) != 0) & (best != BLANK)]
    if not labels.size:
        log_odds = logits[:, 1:] - logits[:, :1]  # relative to the blank
        labels = 1 + log_odds.max(axis=0).argmax(keepdims=True)
    return [int(label) for label in labels]
