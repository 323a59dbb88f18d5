"""Files of numbers that end in a checksum, so that a damaged or truncated one shows."""

import io
import os
import zipfile
import zlib
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speechlstm.errors import ModelError, TrainingError
from speechlstm.storage import refuse_pipes, write_atomically

_CHECK_BYTES = 4  # CRC-32 of the samples, little-endian
_BLOCK_BYTES = 1 << 24

# What NumPy and zipfile raise when a bit of the file is wrong.
DAMAGE = (
    ValueError,
    KeyError,
    TypeError,
    OverflowError,
    EOFError,
    RuntimeError,
    MemoryError,  # an array claims more memory than the machine has
    SyntaxError,  # in the header of an array, which is a Python literal
    TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


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


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write an array as a .npy file, which NumPy reads, and its checksum after it.

    Raises:
        OSError: The file cannot be written.
    """
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    file.write(_checksum(file.getbuffer()))
    write_atomically(path, file.getvalue())


def mapped_array(path: Path) -> NDArray[Any]:
    """An array that write_array has written, as a memory map; without a checksum, none is verified.

    Raises:
        ModelError: The file is missing or damaged.
    """
    try:
        refuse_pipes(path)
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(array, np.memmap):
            raise ValueError("not an array")
        with path.open("rb") as file:
            checksum = zlib.crc32(file.read(array.offset))
            for start in range(0, array.nbytes, _BLOCK_BYTES):
                size = min(_BLOCK_BYTES, array.nbytes - start)
                checksum = zlib.crc32(file.read(size), checksum)
            after = file.read(_CHECK_BYTES + 1)
    except (OSError, *DAMAGE) as error:
        raise ModelError(f"{path}: cannot be read: {error}") from None
    if after not in (b"", checksum.to_bytes(_CHECK_BYTES, "little")):
        raise ModelError(f"{path}: damaged: its checksum differs; restore it or train again")
    return array


def _checksum(content: bytes | bytearray | memoryview) -> bytes:
    return zlib.crc32(content).to_bytes(_CHECK_BYTES, "little")
