"""Mixes several channels into one."""

import numpy as np
from numpy.typing import NDArray

from speechlstm.errors import printable

# Correlations below this come from a microphone with swapped wires or from a converter that inverts
# a channel; room microphones and stereo music have higher ones.
_OPPOSED = -0.7

_ROUNDING = 1e-9  # mean square; rounding of a constant signal leaves less than this


class Mixer:
    """Computes the mean of a recording's channels, block by block.

    Channels of opposite polarity would cancel out. They are inverted before they are mixed, and a
    warning is logged. In each block, the channels are compared with the loudest one; a channel that
    resembles neither that nor its inverse keeps its sign of the last block.

    Args:
        name: The name of the recording, for the warning.
        memory: How much the block before counts in a comparison, 0..1; that before it, the square
            of this, and so on. Short blocks by themselves say little.
    """

    def __init__(self, name: str, memory: float = 0.0) -> None:
        self._name, self._memory = name, np.float32(memory)
        self._signs: NDArray[np.float32] | None = None
        self._products: NDArray[np.float32] = np.zeros((0, 0), np.float32)
        self._has_warned = False

    def mixed(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """The mean of a block's channels.

        Args:
            samples: (num_samples, num_channels), at least one channel, any number of samples.

        Returns:
            (num_samples,).
        """
        num_channels = samples.shape[1]
        if num_channels == 1 or not len(samples):
            return samples[:, 0]
        if self._signs is None or len(self._signs) != num_channels:
            self._signs = np.ones(num_channels, np.float32)
            self._products = np.zeros((num_channels, num_channels), np.float32)
        self._signs = self._updated(self._signs, samples)
        mean: NDArray[np.float32] = samples @ (self._signs / np.float32(num_channels))
        return mean

    def _updated(
        self, signs: NDArray[np.float32], samples: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        sums = np.ones(len(samples), np.float32) @ samples
        # Covariances (num_channels, num_channels), so that a constant offset does not count.
        products = samples.T @ samples - np.outer(sums, sums) / np.float32(len(samples))
        self._products = products = (self._memory * self._products + products).astype(np.float32)
        energies = np.maximum(products.diagonal(), 0)
        energies = np.where(energies > _ROUNDING * len(samples), energies, 0)
        loudest = int(np.argmax(energies))
        scale = np.sqrt(energies * energies[loudest])
        audible = scale > 0
        correlations = np.divide(products[loudest], scale, out=np.zeros_like(scale), where=audible)
        relative = signs * signs[loudest]
        relative[correlations < _OPPOSED] = -1
        relative[correlations > -_OPPOSED] = 1
        signs = relative * relative[0]
        if not self._has_warned and (signs < 0).any():
            self._has_warned = True
            numbers = ", ".join(str(i + 1) for i in np.flatnonzero(signs < 0))
            import logging  # seldom needed, and takes a while

            logging.getLogger(__name__).warning(
                "%s: channel %s has the opposite polarity of channel 1; it is inverted before "
                "mixing",
                printable(self._name),
                numbers,
            )
        return signs


def mixed(samples: NDArray[np.float32], name: str = "samples") -> NDArray[np.float32]:
    """The mean of the channels of a whole waveform; see Mixer.

    >>> mixed(np.array([[0.5, 0.0], [0.25, 0.0]], np.float32)).tolist()
    [0.25, 0.125]

    Args:
        samples: (num_samples, num_channels).
        name: The name of the recording, for a warning.

    Returns:
        (num_samples,).
    """
    return Mixer(name).mixed(samples)
