"""Text files that may be compressed, according to their suffix: .gz or .xz."""

import gzip
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from speechlstm.storage import refuse_nul, write_atomically

# Errors of reading a damaged or truncated file.
COMPRESSION_ERRORS = (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error)


@contextmanager
def open_text(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading its decompressed bytes, line by line."""
    refuse_nul(path)
    opener: Any = {".gz": gzip.open, ".xz": lzma.open}.get(path.suffix.lower(), open)
    with opener(path, "rb") as file:
        yield file


def write_text(path: Path, data: bytes) -> None:
    """Write a file atomically, compressed according to its suffix."""
    if path.suffix.lower() == ".gz":
        data = gzip.compress(data, compresslevel=6, mtime=0)
    elif path.suffix.lower() == ".xz":
        data = lzma.compress(data)
    write_atomically(path, data)
