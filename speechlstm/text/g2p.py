"""How words may sound that no dictionary has: letters to phones, without TensorFlow.

Rao, Peng, Sak and Beaufays, Grapheme-to-phoneme conversion using long short-term memory recurrent
neural networks, ICASSP 2015: a bidirectional LSTM reads the letters, CTC aligns the phones. The
network is made by speechlstm.training.g2p.network.
"""

from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from speechlstm.errors import ConfigError, ModelError
from speechlstm.text.alphabet import BLANK, Alphabet
from speechlstm.text.lexicon import LETTERS, Phones
from speechlstm.tflite.metadata import read_metadata

PHONES = "phones"  # what the network can say: the key of its description


class G2PModel:
    """Sounds out words.

    Args:
        path: The network, a .tflite file: letters (1, num_letters) int32 in, logits
            (1, num_steps, num_labels) out.

    Attributes:
        phones: What it can say.

    Raises:
        ModelError: The file cannot be read, is damaged, or holds another kind of network.
    """

    def __init__(self, path: Path) -> None:
        symbols = read_metadata(path).get(PHONES)
        if not isinstance(symbols, list):
            raise ModelError(f"{path}: is no pronouncer; make one: speechlstm lexicon --pronouncer")
        try:
            self.phones = Alphabet(tuple(symbols), separator=" ")
            self._interpreter = Interpreter(
                str(path),
                experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            )
        except (ConfigError, RuntimeError, TypeError, ValueError) as error:
            raise ModelError(f"{path}: LiteRT cannot load it: {error}") from None
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]

    def pronounce(self, word: str) -> Phones:
        """The most likely pronunciation (best path), which is never empty.

        Args:
            word: Of a to z and apostrophes.

        Raises:
            AlphabetError: The word holds another character.
            ValueError: It is empty.
        """
        letters = np.array([LETTERS.encode(word)], np.int32)
        if not letters.size:
            raise ValueError("an empty word has no pronunciation")
        self._interpreter.resize_tensor_input(self._input, letters.shape)
        self._interpreter.allocate_tensors()
        self._interpreter.reset_all_variables()  # or an LSTM goes on from the word before
        self._interpreter.set_tensor(self._input, letters)
        self._interpreter.invoke()
        labels = _best_path(self._interpreter.get_tensor(self._output)[0])
        return tuple(self.phones.symbols[label - 1] for label in labels)


def _best_path(logits: NDArray[np.float32]) -> list[int]:
    """Labels of the best path; where that is all blank, the likeliest phone of all frames."""
    best = logits.argmax(axis=1)
    labels = best[(np.diff(best, prepend=BLANK) != 0) & (best != BLANK)]
    if not labels.size:
        log_odds = logits[:, 1:] - logits[:, :1]  # against the blank's
        labels = 1 + log_odds.max(axis=0).argmax(keepdims=True)
    return [int(label) for label in labels]
