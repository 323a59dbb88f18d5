"""How words may sound that no dictionary has: letters to phones, without TensorFlow.

Rao, Peng, Sak and Beaufays, Grapheme-to-phoneme conversion using long short-term memory recurrent
neural networks, ICASSP 2015: a bidirectional LSTM reads the letters, CTC aligns the phones. The
network is made by speechlstm.training.g2p.network.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speechlstm.errors import BundleError, ConfigError, quoted
from speechlstm.text.alphabet import BLANK, Alphabet
from speechlstm.text.lexicon import LETTERS, Phones
from speechlstm.tflite.interpreter import TFLiteModel
from speechlstm.tflite.metadata import read_described
from speechlstm.tflite.tensor import TensorSpec

PHONES = "phones"  # what the network can say: the key of its description


class G2PModel:
    """Sounds out words.

    Args:
        path: The network, a .tflite file: letters (1, num_letters) int32 in, logits
            (1, num_steps, num_labels) out.

    Attributes:
        phones: What it can say.

    Raises:
        BundleError: The file cannot be read, is damaged, or holds another kind of network.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        content, description = read_described(path)
        symbols = description.get(PHONES)
        if not isinstance(symbols, list) or not all(isinstance(s, str) for s in symbols):
            raise BundleError(path, "is no G2P network; make one: speechlstm lexicon --g2p")
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
        """The most likely pronunciation (best path), which is never empty.

        Args:
            word: Of a to z and apostrophes.

        Raises:
            AlphabetError: The word holds another character.
            BundleError: LiteRT cannot run the network.
            ValueError: It is empty.
        """
        letters = np.array([LETTERS.encode(word)], np.int32)
        if not letters.size:
            raise ValueError("an empty word has no pronunciation")
        logits = self._model.run(letters=letters)["output_0"][0]
        if not len(logits):
            raise BundleError(self._path, f"gives nothing for {quoted(word)}")
        labels = _best_path(logits)
        return tuple(self.phones.symbols[label - 1] for label in labels)


def _best_path(logits: NDArray[np.float32]) -> list[int]:
    """Labels of the best path; where that is all blank, the likeliest phone of all frames."""
    best = logits.argmax(axis=1)
    labels = best[(np.diff(best, prepend=BLANK) != 0) & (best != BLANK)]
    if not labels.size:
        log_odds = logits[:, 1:] - logits[:, :1]  # against the blank's
        labels = 1 + log_odds.max(axis=0).argmax(keepdims=True)
    return [int(label) for label in labels]
