"""Files of samples that end in a checksum, so that a damaged or truncated one shows."""

import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speechlstm.errors import TrainingError
from speechlstm.storage import write_atomically

_CHECK_BYTES = 4  # CRC-32 of the samples, little-endian


def write_samples(path: Path, samples: NDArray[Any]) -> None:
    """Write samples, as they lie in memory, and their checksum; the file appears whole.

    Raises:
        OSError: The file cannot be written.
    """
    content = samples.tobytes()
    write_atomically(path, content + _checksum(content))


def num_samples_in(path: str, sample_bytes: int) -> int:
    """The number of samples in a file by its size; -1 if it is missing or cannot be whole."""
    try:
        size = os.stat(path).st_size - _CHECK_BYTES  # noqa: PTH116 - a Path for each is slow
    except OSError:
        return -1
    return -1 if size < 0 or size % sample_bytes else size // sample_bytes


def read_samples(path: Path, dtype: type[Any], start: int, count: int) -> NDArray[Any]:
    """Some samples of a file. If they are all that it holds, the checksum is verified.

    Args:
        path: The file.
        dtype: Of the samples.
        start: The first sample.
        count: How many.

    Returns:
        (count,) samples.

    Raises:
        OSError: The file cannot be read.
        TrainingError: It is damaged.
    """
    sample_bytes = np.dtype(dtype).itemsize
    content = bytearray(count * sample_bytes)
    with path.open("rb") as file:
        file.seek(start * sample_bytes)
        is_complete = file.readinto(content) == len(content)
        after = file.read(_CHECK_BYTES + 1)
    is_whole = not start and len(after) <= _CHECK_BYTES
    if not is_complete or (is_whole and after != _checksum(content)):
        raise TrainingError(
            f"{path}: this copy of a recording is damaged; remove the file, and it is made again"
        )
    return np.frombuffer(content, dtype)


def _checksum(content: bytes | bytearray) -> bytes:
    return zlib.crc32(content).to_bytes(_CHECK_BYTES, "little")
