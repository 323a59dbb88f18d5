"""Tells loud from quiet parts of a stream, by its energy."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

_WINDOW_SECONDS = 0.03
_MEMORY_SECONDS = 10.0  # in which the background is looked for; speech pauses within it
_BACKGROUND_QUANTILE = 0.1
# A pause in read speech lies below this, the ends of most words above.
_MARGIN_DB = 8.0
_SILENCE_DB = -80.0  # of full scale; what is quieter is background, whatever came before


class Loudness:
    """Measures for how long a stream has been quiet.

    The background is the level that a tenth of the last 10 s does not exceed; the stream is quiet
    while it is at most 8 dB above that, or below -80 dB of full scale.

    Args:
        sample_rate: In Hz.

    Attributes:
        window: The number of samples whose level is measured at once.
        quiet_seconds: How long it has been quiet up to the last window.
    """

    def __init__(self, sample_rate: int) -> None:
        self.window = round(_WINDOW_SECONDS * sample_rate)
        self.quiet_seconds = 0.0
        self._levels: deque[float] = deque(maxlen=round(_MEMORY_SECONDS / _WINDOW_SECONDS))

    def add(self, samples: NDArray[np.float32]) -> None:
        """Measure the next window.

        Args:
            samples: (window,), full scale is [-1, 1].
        """
        power = float(np.square(samples - samples.mean()).mean()) + 1e-20
        level = max(10 * np.log10(power), _SILENCE_DB)
        self._levels.append(level)
        background = float(np.quantile(self._levels, _BACKGROUND_QUANTILE))
        is_quiet = level <= max(background + _MARGIN_DB, _SILENCE_DB)
        self.quiet_seconds = self.quiet_seconds + _WINDOW_SECONDS if is_quiet else 0.0
