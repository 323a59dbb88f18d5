"""Text files that may be compressed, according to their suffix: .gz or .xz."""

import gzip
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from speechlstm.errors import DataError
from speechlstm.storage import refuse_nul, text_lines, write_atomically

# Errors of reading a damaged or truncated file.
COMPRESSION_ERRORS = (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error)


@contextmanager
def open_text(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading its decompressed bytes, line by line."""
    refuse_nul(path)
    opener: Any = {".gz": gzip.open, ".xz": lzma.open}.get(path.suffix.lower(), open)
    with opener(path, "rb") as file:
        yield file


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a text, decompressed, without their ends.

    Raises:
        DataError: The file cannot be read, or is not text in UTF-8 or UTF-16.
    """
    num_lines = 0
    try:
        with open_text(path) as file:
            for line in text_lines(file):
                num_lines += 1
                yield line
    except COMPRESSION_ERRORS as error:
        raise DataError(f"{path}: cannot be decompressed: {error}") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{path}:{num_lines + 1}: {error}") from None


def write_text(path: Path, data: bytes) -> None:
    """Write a file atomically, compressed according to its suffix."""
    if path.suffix.lower() == ".gz":
        data = gzip.compress(data, compresslevel=6, mtime=0)
    elif path.suffix.lower() == ".xz":
        data = lzma.compress(data)
    write_atomically(path, data)
