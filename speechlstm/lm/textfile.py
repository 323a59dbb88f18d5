"""Text files that may be compressed: the name's end, .gz or .xz, says how."""

import gzip
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from speechlstm.storage import refuse_nul, write_atomically

# What reading a damaged or cut file raises, a file that is not there aside.
COMPRESSION_ERRORS = (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error)


@contextmanager
def open_text(path: Path) -> Iterator[IO[bytes]]:
    """The file's bytes, decompressed; iterate over it for lines."""
    refuse_nul(path)
    opener: Any = {".gz": gzip.open, ".xz": lzma.open}.get(path.suffix.lower(), open)
    with opener(path, "rb") as file:
        yield file


def write_text(path: Path, data: bytes) -> None:
    """Write data at once, compressed as the name's end says."""
    if path.suffix.lower() == ".gz":
        data = gzip.compress(data, compresslevel=6, mtime=0)
    elif path.suffix.lower() == ".xz":
        data = lzma.compress(data)
    write_atomically(path, data)
