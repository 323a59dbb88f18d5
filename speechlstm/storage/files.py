"""Reads that end, and writes that a reader sees whole or not at all."""

import errno
import json
import os
import secrets
import shutil
import stat
from io import BufferedReader
from pathlib import Path
from typing import Any

_GIGABYTE = 1 << 30


def open_regular_file(path: Path) -> BufferedReader:
    """Open a file for reading, unless it is a pipe or a device, which may never end.

    Raises:
        OSError: It cannot be opened, or is no file.
    """
    refuse_pipes(path)
    return path.open("rb")


def refuse_pipes(path: Path) -> None:
    """Refuse what is no file on a disk.

    Raises:
        OSError: It is not there, or is a folder, a pipe or a device.
    """
    refuse_nul(path)
    mode = path.stat().st_mode  # before it is opened: that waits for the other end of a pipe
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "is a pipe or a device, not a file", str(path))


def refuse_nul(path: Path) -> None:
    """Refuse a name that no file has, for which Python raises another exception than for others.

    Raises:
        OSError: It holds a NUL.
    """
    if "\0" in str(path):
        raise OSError(errno.EINVAL, "no file has a name with a NUL in it", str(path))


def read_regular_file(path: Path, max_bytes: int = _GIGABYTE) -> bytes:
    """The content of a file that nobody has checked.

    Raises:
        OSError: It cannot be read, is a pipe or a device, or larger than any of its kind.
    """
    with open_regular_file(path) as file:
        if os.fstat(file.fileno()).st_size > max_bytes:
            raise OSError(errno.EFBIG, f"has more than {max_bytes} bytes", str(path))
        return file.read()


def read_bounded(path: Path, max_bytes: int = 1 << 26) -> bytes:
    """The content of a text, which may come from a pipe, and ends.

    Raises:
        OSError: It cannot be read, or is larger than any of its kind.
    """
    refuse_nul(path)
    with path.open("rb") as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise OSError(errno.EFBIG, f"has more than {max_bytes} bytes", str(path))
    return content


def parse_json(text: str | bytes, integers_as_floats: bool = False) -> Any:
    """What JSON says that nobody has checked, in UTF-8.

    Args:
        text: The JSON.
        integers_as_floats: Whether whole numbers become floats, those too large infinity.

    Raises:
        ValueError: It is no JSON, or nested beyond reason, or a text in it holds half a surrogate
            pair, which could be written nowhere.
    """
    try:
        decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        values = json.loads(decoded, parse_int=float if integers_as_floats else int)
        if "\\u" in decoded:
            json.dumps(values, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at column {error.colno}") from None
    except UnicodeEncodeError:
        raise ValueError("not JSON: holds half a surrogate pair") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: {error.reason} at byte {error.start}") from None
    except RecursionError:
        raise ValueError("not JSON: nested too deeply") from None
    return values


def write_atomically(path: Path, data: bytes | str) -> None:
    """Put data into a file at once; text becomes UTF-8, its line ends unchanged.

    A file that was there keeps its permissions. What is no file, a pipe or a device, is written
    into.

    Raises:
        OSError: The file cannot be written; one that was there before is untouched.
    """
    refuse_nul(path)
    path = path.resolve()  # through a symbolic link, not over it
    content = data.encode() if isinstance(data, str) else data
    if path.exists() and not (path.is_file() or path.is_dir()):
        path.write_bytes(content)
        return
    temporary = _temporary_name(path)
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, temporary)
        temporary.replace(path)
    except OSError as error:  # that of a full disk names no file
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def remove_unfinished(folder: Path) -> None:
    """Remove what a process that was killed while writing into a folder has left there."""
    for temporary in folder.glob(".*.tmp"):
        if temporary.is_dir():
            shutil.rmtree(temporary)
        else:
            temporary.unlink()


def _temporary_name(path: Path) -> Path:
    """A name beside a path for what is to take its place."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")


def sync_folder(path: Path) -> None:
    """Have the names in a folder on the disk, not only in memory; Windows has no such call."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
