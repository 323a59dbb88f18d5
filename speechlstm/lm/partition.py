"""An estimate of the partition function, the denominator of a softmax over many words."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from speechlstm.tflite.output_layer import OutputLayer

_SAMPLING = 8  # one in so many of the other words is enough to estimate mean and variance

_Floats = NDArray[np.float32]


class PartitionFunction:
    """Estimates log Z = log sum_w exp(e_w . h + b_w) without the logits of all words.

    The most frequent words, which have most of the probability, are summed. Of the others, the rows
    e_w of the output layer are taken to be independent of the biases b_w, and to have a normal
    distribution with independent components, of mean m and variance v, whose moment generating
    function is the mean of exp(e . h):

        log sum_others exp(e_w . h + b_w) = log sum_others exp(b_w) + m . h + v . h**2 / 2

    It is too low where one of them is almost certain. To sum the largest terms and to estimate the
    rest is the idea of Mussmann and Ermon, Learning and inference via maximum inner product search,
    ICML 2016, who draw samples for the rest.

    Args:
        summed: The indices of the words that are summed, at least one: OutputLayer.most_probable.
    """

    def __init__(self, layer: "OutputLayer", summed: NDArray[np.integer[Any]]) -> None:
        others = np.delete(np.arange(len(layer.bias)), summed)
        self._others = np.logaddexp.reduce(layer.bias[others], initial=-np.inf)
        sample = layer.kernel(others[::_SAMPLING])
        if not len(sample):
            sample = np.zeros((1, sample.shape[1]), np.float32)
        self._mean, self._half_variance = sample.mean(axis=0), sample.var(axis=0) / 2

    def log(self, logits: _Floats, features: _Floats) -> _Floats:
        """The estimates of log Z, (n,).

        Args:
            logits: (n, num_summed), those of the words that are summed.
            features: h, (n, width).
        """
        largest = logits.max(axis=1, keepdims=True)
        summed = np.log(np.exp(logits - largest).sum(axis=1)) + largest[:, 0]
        others = features @ self._mean + np.square(features) @ self._half_variance
        return np.asarray(np.logaddexp(summed, others + self._others), np.float32)
