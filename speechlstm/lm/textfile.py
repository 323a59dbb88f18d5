"""Text files that may be compressed, according to their suffix: .gz or .xz."""

import gzip
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

from speechlstm.errors import DataError
from speechlstm.storage import open_any, text_lines, write_atomically

# Errors of reading a damaged or truncated file.
COMPRESSION_ERRORS = (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error)


@contextmanager
def open_text(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading its decompressed bytes, line by line; -: standard input.

    Raises:
        OSError: It cannot be opened.
    """
    opener: Any = {".gz": gzip.open, ".xz": lzma.open}.get(path.suffix.lower())
    with open_any(path) as file, opener(file, "rb") if opener else nullcontext(file) as text:
        yield text


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
