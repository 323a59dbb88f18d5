"""Reading of untrusted files, and atomic writing."""

import codecs
import errno
import json
import os
import re
import shutil
import stat
import sys
from contextlib import AbstractContextManager, nullcontext
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO

from speechlstm.storage.unfinished import forget, remove_abandoned_files, unfinished

_GIGABYTE = 1 << 30
_DESCRIPTOR = re.compile(r"/dev/(stdout|stderr)|/(?:dev|proc/self)/fd/(\d{1,9})", re.ASCII)
# json.loads would make one for each of a million lines.
_DECODERS = {False: json.JSONDecoder(), True: json.JSONDecoder(parse_int=float)}


def open_regular_file(path: Path) -> BufferedReader:
    """Open a file for reading. Pipes and devices, which may never end, are refused.

    Raises:
        OSError: The path cannot be opened or is not a regular file.
    """
    refuse_pipes(path)
    return path.open("rb")


def refuse_pipes(path: Path) -> None:
    """Refuse a path that is not a regular file.

    Raises:
        OSError: The path does not exist, or is a folder, a pipe or a device.
    """
    refuse_nul(path)
    mode = path.stat().st_mode  # before opening it, because opening a pipe waits for its other end
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "is a pipe or a device, not a file", str(path))


def refuse_nul(path: Path) -> None:
    """Refuse a path with a NUL character, for which Python raises ValueError instead of OSError.

    Raises:
        OSError: The path has a NUL.
    """
    if "\0" in str(path):
        raise OSError(errno.EINVAL, "file names cannot contain a NUL character", str(path))


def read_regular_file(path: Path, max_bytes: int = _GIGABYTE) -> bytes:
    """The content of an untrusted file.

    Raises:
        OSError: The file cannot be read, is a pipe or a device, or is larger than max_bytes.
    """
    with open_regular_file(path) as file:
        if os.fstat(file.fileno()).st_size > max_bytes:
            raise OSError(errno.EFBIG, f"has more than {max_bytes} bytes", str(path))
        return file.read()


def read_bounded(path: Path, max_bytes: int = 1 << 26) -> bytes:
    """The content of a text file, which may be a pipe; -: standard input.

    Raises:
        OSError: The file cannot be read, or is larger than max_bytes.
    """
    with open_any(path) as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise OSError(errno.EFBIG, f"has more than {max_bytes} bytes", str(path))
    return content


def open_any(path: Path) -> AbstractContextManager[BinaryIO]:
    """Open a file for reading, which may be a pipe; -: standard input, which stays open.

    Raises:
        OSError: The path cannot be opened, or standard input is closed.
    """
    refuse_nul(path)
    if path != Path("-"):
        return path.open("rb")
    if sys.stdin is None:
        raise OSError(errno.EBADF, "standard input is closed", str(path))
    return nullcontext(sys.stdin.buffer)


def parse_json(text: str | bytes, integers_as_floats: bool = False) -> Any:
    """The value of untrusted JSON in UTF-8.

    >>> parse_json(b'{"duration": 2}', integers_as_floats=True)
    {'duration': 2.0}

    Args:
        integers_as_floats: Whether integers become floats; those too large become infinity.

    Raises:
        ValueError: The text is not JSON, is nested too deeply, or has a string with half of a
            surrogate pair, which could not be written as UTF-8.
    """
    try:
        decoded = text if isinstance(text, str) else text.removeprefix(codecs.BOM_UTF8).decode()
        values = _DECODERS[integers_as_floats].decode(decoded)
        if "\\u" in decoded:
            json.dumps(values, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        reason = error.msg.removesuffix(" at")
        raise ValueError(f"not JSON: {reason} at column {error.colno}") from None
    except UnicodeEncodeError:
        raise ValueError("not JSON: has half of a surrogate pair") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: {error.reason} at byte {error.start}") from None
    except RecursionError:
        raise ValueError("not JSON: nested too deeply") from None
    return values


def write_atomically(path: Path, data: bytes | bytearray | str) -> None:
    """Replace the content of a file atomically. Strings become UTF-8, with line ends unchanged.

    An existing file keeps its permissions. Pipes, devices and what this process has open, such as
    /dev/stdout, are written to directly: after what they have. The first file that a process writes
    into a folder removes what killed processes have left there.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_atomically(Path(folder, "a.txt"), "yes")
    ...     Path(folder, "a.txt").read_text()
    'yes'

    Raises:
        OSError: The file cannot be written. An existing file is untouched.
    """
    refuse_nul(path)
    content = data.encode() if isinstance(data, str) else data
    descriptor = _descriptor(path)
    if descriptor is not None or (path.exists() and not (path.is_file() or path.is_dir())):
        _write_directly(path, descriptor, content)
        return
    # The target of a symbolic link is written, and the link stays; unlike Path.resolve, this has an
    # answer for a link to itself.
    path = Path(os.path.realpath(path))
    remove_abandoned_files(path.parent)
    temporary = unfinished(path)
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, temporary)
        temporary.replace(path)
    except OSError as error:  # if the disk is full, the error does not name the file
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)
        forget(temporary)
    sync_folder(path.parent)


def _descriptor(path: Path) -> int | None:
    """The number of a descriptor of this process that a path stands for."""
    found = _DESCRIPTOR.fullmatch(path.as_posix())
    if not found or os.name == "nt":
        return None
    return int(found[2]) if found[2] else ("stdout", "stderr").index(found[1]) + 1


def _write_directly(path: Path, descriptor: int | None, content: bytes | bytearray) -> None:
    try:
        if descriptor is None:
            path.write_bytes(content)
            return
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(content)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def sync_folder(path: Path) -> None:
    """Write the names in a folder to the disk. Windows has no such call."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
