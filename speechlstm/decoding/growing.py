"""Decoding of an utterance that is still being spoken."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from speechlstm.transcript import Hypothesis


class GrowingUtterance(Protocol):
    """An utterance whose frames become known bit by bit.

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
