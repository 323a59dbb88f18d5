"""From log_probs to hypotheses with words, times and confidences."""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from speechlstm.decoding.confidence import Calibration
from speechlstm.decoding.greedy import greedy_decode
from speechlstm.text.alphabet import Alphabet
from speechlstm.transcript import Hypothesis


class Decoder(Protocol):
    """Reads texts out of what the network gives."""

    @property
    def is_calibrated(self) -> bool:
        """Whether the words' confidences are calibrated."""

    def decode(self, log_probs: NDArray[np.float32], duration: float) -> list[Hypothesis]:
        """Hypotheses of an utterance, the best first, at least one.

        A probability of 0 counts as exp(LOG_ZERO) along a path. So log_prob and score are finite
        always, and where no text is possible (each one that the lexicon allows has a frame of
        probability 0), the hypothesis is the text with the fewest such frames that was found; it
        may be empty.

        Args:
            log_probs: (num_frames, num_labels), natural logarithms; label 0 is the blank.
            duration: Of the recording in seconds; words end with it.
        """


@dataclass(frozen=True)
class GreedyDecoder:
    """The best path: see greedy_decode.

    Attributes:
        alphabet: What the labels stand for.
        frame_seconds: From one frame to the next.
        calibration: Makes probabilities of the words' confidences; None leaves them.
    """

    alphabet: Alphabet
    frame_seconds: float
    calibration: Calibration | None = None

    @property
    def is_calibrated(self) -> bool:
        """Whether the words' confidences are calibrated."""
        return self.calibration is not None

    def decode(self, log_probs: NDArray[np.float32], duration: float) -> list[Hypothesis]:
        """One hypothesis: see Decoder."""
        hypothesis = greedy_decode(log_probs, self.alphabet, self.frame_seconds, duration)
        return [calibrated(hypothesis, self.calibration)]


def calibrated(hypothesis: Hypothesis, calibration: Calibration | None) -> Hypothesis:
    """The same with the words' confidences calibrated; None leaves them."""
    if calibration is None:
        return hypothesis
    words = (replace(w, confidence=calibration(w.confidence)) for w in hypothesis.words)
    return replace(hypothesis, words=tuple(words))
