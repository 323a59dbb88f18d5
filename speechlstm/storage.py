"""Writes that a reader sees whole or not at all."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_atomically(path: Path, data: bytes | str) -> None:
    """Put data into a file at once; text becomes UTF-8, its line ends unchanged.

    A file that was there keeps its permissions. What is no file, a pipe or a device, is written
    into.

    Raises:
        OSError: The file cannot be written; one that was there before is untouched.
    """
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
    _sync_folder(path.parent)


def remove_unfinished(folder: Path) -> None:
    """Remove what a process that was killed while writing into a folder has left there."""
    for temporary in folder.glob(".*.tmp"):
        if temporary.is_dir():
            shutil.rmtree(temporary)
        else:
            temporary.unlink()


@contextmanager
def folder_written_atomically(path: Path) -> Iterator[Path]:
    """A new folder to fill, which takes the place of path when the block ends without an error.

    Files in it are to be written by write_atomically. A folder that was there before is kept
    beside it until the new one stands: no system call that Python has swaps two folders.

    Raises:
        OSError: The folder cannot be written; one that was there before is untouched.
    """
    path = path.resolve()
    temporary, previous = _temporary_name(path), _temporary_name(path)
    temporary.mkdir()
    try:
        yield temporary
        if path.is_dir():
            path.rename(previous)
        temporary.rename(path)
    except BaseException:
        if previous.exists() and not path.exists():
            previous.rename(path)
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    _sync_folder(path.parent)
    shutil.rmtree(previous, ignore_errors=True)


def _temporary_name(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
