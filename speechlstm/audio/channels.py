"""From several channels to one."""

import logging

import numpy as np
from numpy.typing import NDArray

from speechlstm.errors import printable

# Microphones wired the wrong way round, and files that a converter has inverted on one side, are
# beyond this; room microphones and stereo music are not.
_OPPOSED = -0.7

_ROUNDING = 1e-9  # of a mean square; less is what floats leave of a constant

_log = logging.getLogger(__name__)


class Mixer:
    """The mean of the channels of a recording, block by block.

    Channels that are each other's opposite would cancel out: they are mixed in inverted, and a
    warning is logged. What a channel is compared with is the loudest one, in each block anew; where
    it is like neither that nor its opposite, the last block's choice stays.

    Args:
        name: What the warning calls the recording.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._signs: NDArray[np.float32] | None = None
        self._has_warned = False

    def mixed(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """A block's mean.

        Args:
            samples: (num_samples, num_channels), at least one channel.

        Returns:
            (num_samples,).
        """
        num_channels = samples.shape[1]
        if num_channels == 1:
            return samples[:, 0]
        if self._signs is None or len(self._signs) != num_channels:
            self._signs = np.ones(num_channels, np.float32)
        self._signs = self._updated(self._signs, samples)
        mean: NDArray[np.float32] = samples @ (self._signs / np.float32(num_channels))
        return mean

    def _updated(
        self, signs: NDArray[np.float32], samples: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        sums = np.ones(len(samples), np.float32) @ samples
        # Covariances, (num_channels, num_channels): an offset is no sound.
        products = samples.T @ samples - np.outer(sums, sums) / np.float32(len(samples))
        energies = np.maximum(products.diagonal(), 0)
        energies = np.where(energies > _ROUNDING * len(samples), energies, 0)
        loudest = int(np.argmax(energies))
        scale = np.sqrt(energies * energies[loudest])
        heard = scale > 0
        correlations = np.divide(products[loudest], scale, out=np.zeros_like(scale), where=heard)
        relative = signs * signs[loudest]
        relative[correlations < _OPPOSED] = -1
        relative[correlations > -_OPPOSED] = 1
        signs = relative * relative[0]
        if not self._has_warned and (signs < 0).any():
            self._has_warned = True
            named = ", ".join(str(i + 1) for i in np.flatnonzero(signs < 0))
            _log.warning(
                "%s: channel %s is the opposite of channel 1, and is inverted before they are "
                "mixed",
                printable(self._name),
                named,
            )
        return signs


def mixed(samples: NDArray[np.float32], name: str = "samples") -> NDArray[np.float32]:
    """The mean of the channels of a whole waveform; see Mixer.

    Args:
        samples: (num_samples, num_channels).
        name: What a warning calls it.

    Returns:
        (num_samples,).
    """
    return Mixer(name).mixed(samples)
