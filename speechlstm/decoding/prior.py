"""What is heard of a label beside how common it is."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from speechlstm.config import Config

_RAREST = 1e-6  # of probabilities: the logarithm of 0 is infinite


@dataclass(frozen=True)
class Prior(Config):
    """How probable each label is before a recording is heard.

    Attributes:
        log_probs: (num_labels,), natural logarithms.
    """

    section: ClassVar[str] = "prior"

    log_probs: tuple[float, ...]

    def _check(self) -> None:
        if not np.isclose(np.exp(self.log_probs).sum(), 1, atol=1e-3):
            self._refuse("log_probs", "must be those of a distribution")

    @classmethod
    def estimate(cls, posteriors: Iterable[NDArray[np.float32]]) -> "Prior":
        """The mean of the posteriors of many frames.

        Args:
            posteriors: Of each utterance (num_frames, num_labels), natural logarithms.
        """
        mean = np.exp(np.concatenate(list(posteriors)).astype(np.float64)).mean(axis=0)
        mean = np.maximum(mean, _RAREST)
        return cls(tuple(np.log(mean / mean.sum()).round(6).tolist()))

    def discount(self, log_probs: NDArray[np.float32], weight: float) -> NDArray[np.float32]:
        """Posteriors over the prior to the power of weight, made to sum to 1 in each frame.

        The network's posteriors hold a prior of their own, and blanks have most of it. Over the
        prior they are likelihoods, what a language model is meant for (Miao, Gowayyed and Metze,
        EESEN, ASRU 2015, section 3.3). What makes a frame sum to 1 is the same for all hypotheses.

        Args:
            log_probs: (num_frames, num_labels), natural logarithms.
            weight: 0 leaves them as they are, 1 takes all of the prior out.
        """
        scaled = log_probs - weight * np.array(self.log_probs)
        sums = np.logaddexp.reduce(scaled, axis=1, keepdims=True)
        return np.asarray(scaled - sums, np.float32)
