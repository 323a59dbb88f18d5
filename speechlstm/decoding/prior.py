"""The prior probabilities of labels, and their removal from posteriors."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from speechlstm.config import Config
from speechlstm.text.alphabet import BLANK

BASE_FRAMES = 20_000  # ten minutes of steps of 30 ms
EQUAL_FRAMES = 2_000
_RAREST = 1e-6  # the smallest probability; the logarithm of 0 is infinite


@dataclass(frozen=True)
class Prior(Config):
    """The prior probability of each label.

    Attributes:
        log_probs: (num_labels,), natural logarithms.
    """

    section: ClassVar[str] = "prior"

    log_probs: tuple[float, ...]

    def _check(self) -> None:
        if not np.isclose(np.exp(self.log_probs).sum(), 1, atol=1e-3):
            self._refuse("log_probs", "must be logarithms of probabilities that sum to 1")

    @classmethod
    def estimate(
        cls, posteriors: Iterable[NDArray[np.float32]], base: "Prior | None" = None
    ) -> "Prior":
        """Estimate the prior as the mean of the posteriors of many frames.

        A few recordings do not have all labels, and division by the prior of one that they lack
        would make it likely anywhere. So the mean is that of a Dirichlet distribution around what
        is assumed before (maximum a posteriori): the base's prior counts as much as BASE_FRAMES,
        or else equal shares of all labels but the blank as much as EQUAL_FRAMES. After a
        minute of AN4, of which 12 s were held out, `adapt` had 21 errors in 91 others, and 14 so.

        Args:
            posteriors: For each utterance (num_frames, num_labels), natural logarithms.
            base: The prior found before, of this network or of the one that it was made from, for
                the same labels.
        """
        probs = np.exp(np.concatenate(list(posteriors)).astype(np.float64))
        mean = probs.mean(axis=0)
        if base:
            assumed, strength = np.exp(base.log_probs), BASE_FRAMES
        else:
            others = (1 - mean[BLANK]) / max(1, len(mean) - 1)
            assumed, strength = np.full(len(mean), others), EQUAL_FRAMES
            assumed[BLANK] = mean[BLANK]
        mean = (probs.sum(axis=0) + strength * assumed) / (len(probs) + strength)
        mean = np.maximum(mean, _RAREST)
        return cls(tuple(np.log(mean / mean.sum()).round(6).tolist()))

    def discount(self, log_probs: NDArray[np.float32], weight: float) -> NDArray[np.float32]:
        """Divide posteriors by the prior to the power of weight, and normalise each frame.

        The network's posteriors include the prior of the training data, most of which is blank.
        Divided by it, they are scaled likelihoods, which a language model can be combined with
        (Miao, Gowayyed and Metze, "EESEN", ASRU 2015, section 3.3). The normalisation is the same
        for all hypotheses.

        Args:
            log_probs: (num_frames, num_labels), natural logarithms.
            weight: 0: no change; 1: division by the whole prior.
        """
        scaled = log_probs - weight * np.array(self.log_probs)
        sums = np.logaddexp.reduce(scaled, axis=1, keepdims=True)
        return np.asarray(scaled - sums, np.float32)
