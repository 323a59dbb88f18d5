"""Tells loud from quiet parts of a stream, by its energy."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

_WINDOW_SECONDS = 0.03
_MEMORY_SECONDS = 10.0  # in which the background is looked for; speech pauses within it
_BACKGROUND_QUANTILE = 0.1
_REFRESHED = 10  # windows after which the background is computed again
# A pause in read speech lies below this, the ends of most words above.
_MARGIN_DB = 8.0
_SILENCE_DB = -90.0  # of full scale, a step of 16 bits; what is quieter is background


class Loudness:
    """Measures for how long a stream has been quiet.

    The background is the level that a tenth of the last 10 s does not exceed; the stream is quiet
    while it is at most 8 dB above that, or below -90 dB of full scale.

    Args:
        sample_rate: In Hz.

    Attributes:
        window: The number of samples whose level is measured at once.
        num_quiet: For how many windows, up to the last one, it has been quiet.
    """

    def __init__(self, sample_rate: int) -> None:
        self.window = round(_WINDOW_SECONDS * sample_rate)
        self.num_quiet = self._num_added = 0
        self._seconds = self.window / sample_rate
        self._levels: deque[float] = deque(maxlen=round(_MEMORY_SECONDS / _WINDOW_SECONDS))
        self._background = _SILENCE_DB

    @property
    def quiet_seconds(self) -> float:
        """For how long it has been quiet up to the last window."""
        return self.num_quiet * self._seconds

    def add(self, samples: NDArray[np.float32]) -> None:
        """Measure the next window.

        Args:
            samples: (window,), full scale is [-1, 1].
        """
        power = float(np.square(samples - samples.mean()).mean()) + 1e-20
        level = max(10 * np.log10(power), _SILENCE_DB)
        self._levels.append(level)
        if self._num_added % _REFRESHED == 0:
            self._background = float(np.quantile(self._levels, _BACKGROUND_QUANTILE))
        self._num_added += 1
        is_quiet = level <= max(self._background + _MARGIN_DB, _SILENCE_DB)
        self.num_quiet = self.num_quiet + 1 if is_quiet else 0
