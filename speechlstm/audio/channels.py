"""From several channels to one."""

import numpy as np
from numpy.typing import NDArray


def mixed(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of the channels.

    Args:
        samples: (num_samples, num_channels).

    Returns:
        (num_samples,).
    """
    mono: NDArray[np.float32] = samples.mean(axis=1)
    return mono
