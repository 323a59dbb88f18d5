"""Atomic replacement of folders, safe against kills at any moment.

While a folder NAME is being replaced, there may be others beside it; PID is the process that writes
them:

    .NAME.PID-TOKEN.tmp     being filled, or to be removed (see unfinished.py)
    .NAME.PID-TOKEN.new     complete, about to become NAME
    .NAME.PID-TOKEN.old     the previous NAME, until the new one is in place

The last two are used only if the file system cannot exchange two folders.
"""

import errno
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from speechlstm.storage.files import sync_folder
from speechlstm.storage.unfinished import beside, forget, is_abandoned, unfinished


@contextmanager
def folder_written_atomically(path: Path) -> Iterator[Path]:
    """A new folder to fill, which replaces path when the block ends without an error.

    Write its files with write_atomically. If the process is killed at any moment, path is either
    the old folder or the new one. (If the file system cannot exchange two folders, path may be
    missing until recover_folder is called.) Folders that killed processes have left beside path are
    removed. The folders above path are made, and removed if the block fails.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as parent:
    ...     with folder_written_atomically(Path(parent, "model")) as folder:
    ...         _ = (folder / "weights").write_bytes(b"...")
    ...     sorted(file.name for file in Path(parent, "model").iterdir())
    ['weights']

    Raises:
        OSError: The folder cannot be written. An existing folder is untouched.
    """
    path = path.resolve()
    recover_folder(path)
    _remove_abandoned(path)
    with _folder_in_its_parents(path) as folder, _named_as(path, folder):
        folder.mkdir()
        yield folder
        if path.is_dir():
            shutil.copymode(path, folder)
        _put_in_place(folder, path)


@contextmanager
def folder_beside(path: Path) -> Iterator[Path]:
    """An empty folder for what is tried before path is written; it is removed at the end.

    It has the name of path, within a folder beside path. If the process is killed, that is removed
    when path, a folder, is written next. The folders above path are made, and removed if the block
    fails.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as parent:
    ...     with folder_beside(Path(parent, "model")) as folder:
    ...         print(folder.is_dir())
    ...     print(folder.exists())
    True
    False

    Raises:
        OSError: The folder cannot be made, or a file in it; it is named as it would be in path.
    """
    path = path.resolve()
    _remove_abandoned(path)
    with _folder_in_its_parents(path) as folder, _named_as(path.parent, folder):
        tried = folder / path.name
        tried.mkdir(parents=True)
        yield tried


@contextmanager
def _folder_in_its_parents(path: Path) -> Iterator[Path]:
    """The temporary name of a folder, and the folders above it; what is of no use is removed."""
    missing = [parent for parent in path.parents if not parent.exists()]  # the innermost first
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = unfinished(path)
        try:
            yield folder
        finally:  # folder is now the replaced one, or an unfinished one
            shutil.rmtree(folder, ignore_errors=True)
            forget(folder)
    except BaseException:
        for parent in missing:
            with suppress(OSError):  # others have written into it meanwhile
                parent.rmdir()
        raise


@contextmanager
def _named_as(path: Path, folder: Path) -> Iterator[None]:
    """Let errors name what is in a temporary folder as what it would be in path."""
    try:
        yield
    except OSError as error:  # that of a full disk, say, names a folder that is gone then
        named = Path(f"{error.filename}")
        if not named.is_relative_to(folder):
            raise
        name = path / named.relative_to(folder)
        raise OSError(error.errno, error.strerror, f"{name}") from error


def recover_folder(path: Path) -> None:
    """Put a folder in its place if a process was killed while replacing it; otherwise do nothing.

    Call it before the folder is opened. It takes almost no time if the folder is in its place.

    Raises:
        OSError: The folder cannot be moved.
    """
    if path.exists() or "\0" in str(path):
        return
    path = path.resolve()
    for suffix in ("new", "old"):
        if candidates := [p for p in beside(path, suffix) if p.is_dir()]:
            _move_unless_done(max(candidates, key=lambda f: f.stat().st_mtime), path)
            return


def _put_in_place(folder: Path, path: Path) -> None:
    """Rename a complete folder to path; a folder that exists there gets its name in exchange."""
    if not path.is_dir() or not any(path.iterdir()):
        if os.name == "nt" and path.is_dir():
            path.rmdir()  # on other systems, rename replaces an empty folder
        folder.rename(path)
    elif not exchange(folder, path):
        _replace_in_steps(folder, path)
    sync_folder(path.parent)


def _replace_in_steps(folder: Path, path: Path) -> None:
    """The same in several steps, whose names tell recover_folder how to continue after a kill."""
    new, old = folder.with_suffix(".new"), folder.with_suffix(".old")
    folder.rename(new)
    sync_folder(path.parent)
    try:
        path.rename(old)
    except OSError:  # on Windows, if a file in the folder is open
        new.rename(folder)
        raise
    sync_folder(path.parent)
    _move_unless_done(new, path)
    sync_folder(path.parent)
    old.rename(folder)


def _move_unless_done(source: Path, path: Path) -> None:
    """Rename a folder to path, unless another process has done so in the meantime."""
    try:
        source.rename(path)
    except OSError:
        if not path.is_dir():
            raise


def _remove_abandoned(path: Path) -> None:
    """Remove the folders that killed processes have left beside a path."""
    for folder in beside(path, "tmp|new|old"):
        if folder.is_dir() and is_abandoned(folder):
            shutil.rmtree(folder, ignore_errors=True)


_AT_FDCWD = -100  # paths are relative to the working folder
_RENAME_EXCHANGE = 2  # linux/fs.h
_RENAME_SWAP = 2  # macOS' sys/stdio.h
_IMPOSSIBLE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EXDEV)


def exchange(one: Path, other: Path) -> bool:
    """Exchange the names of two existing paths atomically.

    Uses renameat2 on Linux (since 3.15) and renamex_np on macOS, which Python does not offer.

    Returns:
        Whether it was done; False if the system or the file system cannot do it.

    Raises:
        OSError: The system can do it, but not with these paths.
    """
    if sys.platform not in ("linux", "darwin"):
        return False
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    paths = os.fsencode(one), os.fsencode(other)
    try:
        if sys.platform == "darwin":
            failed = libc.renamex_np(*paths, _RENAME_SWAP)
        else:
            failed = libc.renameat2(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _RENAME_EXCHANGE)
    except AttributeError:  # the C library lacks it
        return False
    if not failed:
        return True
    number = ctypes.get_errno()
    if number in _IMPOSSIBLE:
        return False
    raise OSError(number, os.strerror(number), str(one), None, str(other))
