"""The interface of decoders, for whole utterances and while they are spoken; greedy decoding."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from speechlstm.decoding.confidence import Calibration
from speechlstm.decoding.greedy import greedy_decode
from speechlstm.decoding.plausibility import single_words
from speechlstm.text.alphabet import Alphabet
from speechlstm.transcript import Hypothesis, Word


class IncrementalDecoding(Protocol):
    """The decoding of an utterance whose frames become known bit by bit.

    Settled frames, the first ones, do not change any more. Drafted frames follow them and do not
    change until more frames are settled. The last frames are others in each call.
    """

    def settle(self, log_probs: NDArray[np.float32], num_settled: int, num_drafted: int) -> None:
        """Search settled frames, and from there on new drafted frames.

        Args:
            log_probs: (num_frames, num_labels) of the utterance so far, natural logarithms.
            num_settled: The number of settled frames, not smaller than before.
            num_drafted: The number of settled and drafted frames.
        """

    def preview(
        self, log_probs: NDArray[np.float32], duration: float, num_drafted: int
    ) -> Hypothesis:
        """A hypothesis for the utterance so far, found quickly.

        Args:
            log_probs: As in settle.
            duration: Of the utterance so far, in seconds.
            num_drafted: As in settle, not smaller than before.
        """

    def decode(self, log_probs: NDArray[np.float32], duration: float) -> list[Hypothesis]:
        """The hypotheses for the utterance, as `Decoder.decode` finds them.

        Args:
            log_probs: As in settle; the frames that were drafted there are as they were.
            duration: Of the utterance, in seconds.
        """

    def ends_within_phrase(self, log_probs: NDArray[np.float32]) -> bool:
        """Whether the utterance so far ends with the first words of a hot phrase or a grammar's.

        Args:
            log_probs: As in settle.
        """


class Decoder(Protocol):
    """Finds the text in the output of the acoustic model."""

    @property
    def is_calibrated(self) -> bool:
        """Whether the words' confidences are calibrated."""

    def decode(self, log_probs: NDArray[np.float32], duration: float) -> list[Hypothesis]:
        """The hypotheses for an utterance, the best one first, at least one.

        A probability of 0 counts as exp(LOG_ZERO) in a path, so log_prob and score are always
        finite. If no text is possible (each text that the lexicon allows has a frame of probability
        0), the hypothesis is the text with the fewest such frames that was found; it may be empty.

        Args:
            log_probs: (num_frames, num_labels), natural logarithms; label 0 is the blank.
            duration: Duration of the recording in seconds; no word ends later.
        """

    def incremental(self) -> IncrementalDecoding:
        """Decode an utterance while it is being spoken."""

    def units(self, words: Sequence[Word]) -> list[Sequence[Word]]:
        """Words that are kept or dropped together: each by itself or, of a grammar, its phrases.

        Without its "not", "do not stop" would be the opposite command.
        """


@dataclass(frozen=True)
class GreedyDecoder:
    """Decodes by the best path: see greedy_decode.

    Attributes:
        calibration: Maps the words' confidences to probabilities; None: no calibration.
    """

    alphabet: Alphabet
    frame_seconds: float
    calibration: Calibration | None = None

    @property
    def is_calibrated(self) -> bool:
        """Whether the words' confidences are calibrated."""
        return self.calibration is not None

    def decode(self, log_probs: NDArray[np.float32], duration: float) -> list[Hypothesis]:
        """The hypothesis in a list: see Decoder."""
        hypothesis = greedy_decode(log_probs, self.alphabet, self.frame_seconds, duration)
        return [calibrated(hypothesis, self.calibration)]

    def incremental(self) -> IncrementalDecoding:
        """See Decoder."""
        return _WholeUtterance(self)

    def units(self, words: Sequence[Word]) -> list[Sequence[Word]]:
        """See Decoder."""
        return single_words(words)


class _WholeUtterance:
    """Decodes all of an utterance so far each time: greedy decoding takes hardly any time."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder

    def settle(self, log_probs: NDArray[np.float32], num_settled: int, num_drafted: int) -> None:
        """Changes nothing: see IncrementalDecoding."""

    def preview(
        self, log_probs: NDArray[np.float32], duration: float, num_drafted: int
    ) -> Hypothesis:
        """See IncrementalDecoding."""
        return self._decoder.decode(log_probs, duration)[0]

    def decode(self, log_probs: NDArray[np.float32], duration: float) -> list[Hypothesis]:
        """See IncrementalDecoding."""
        return self._decoder.decode(log_probs, duration)

    def ends_within_phrase(self, log_probs: NDArray[np.float32]) -> bool:
        """See IncrementalDecoding: there are no hot words."""
        return False


def calibrated(hypothesis: Hypothesis, calibration: Calibration | None) -> Hypothesis:
    """The hypothesis with its words' confidences calibrated; None: no change."""
    if calibration is None:
        return hypothesis
    words = (replace(w, confidence=calibration(w.confidence)) for w in hypothesis.words)
    return replace(hypothesis, words=tuple(words))
