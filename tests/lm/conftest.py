from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from speechlstm.lm.ngram.arpa import read_arpa
from speechlstm.lm.ngram.table import NGramTable


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of what KenLM has made of a tiny text."""
    return Path(__file__).parent / "data"


@pytest.fixture(scope="session")
def tiny(data: Path) -> NGramTable:
    return read_arpa(data / "tiny.o3.arpa.xz")


class ByHand:
    """The network of assets/language_model.tflite, a word at a time, by its equations."""

    def __init__(self) -> None:
        self.words = ["<unk>", "<s>", "</s>", "a", "bat", "cat", "hat", "mat", "on", "the"]
        generator = np.random.default_rng(1)
        shapes = [(10, 3), (3, 16), (4, 16), (16,), (4, 16), (4, 16), (16,), (4, 3), (3,), (10,)]
        weights = [generator.normal(size=shape) for shape in shapes]
        self.embeddings, self.layers = weights[0], [weights[1:4], weights[4:7]]
        self.projection, self.offset, self.bias = weights[7:]

    def log_probs(self, words: Sequence[str]) -> NDArray[np.float64]:
        """Of all words after a sentence's first ones."""
        states = [(np.zeros(4), np.zeros(4))] * 2
        for word in ("<s>", *words):
            x = self.embeddings[self.words.index(word)]
            for index, (kernel, recurrent, bias) in enumerate(self.layers):
                h, c = states[index]
                i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4)
                c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
                x = sigmoid(o) * np.tanh(c)
                states[index] = x, c
        logits = self.embeddings @ (x @ self.projection + self.offset) + self.bias
        log_probs: NDArray[np.float64] = logits - np.log(np.exp(logits).sum())
        return log_probs


def sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    y: NDArray[np.float64] = 1 / (1 + np.exp(-x))
    return y


@pytest.fixture
def by_hand() -> ByHand:
    return ByHand()
