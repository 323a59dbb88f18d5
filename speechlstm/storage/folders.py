"""Folders that take the place of others, whole or not at all, whenever the process is killed.

Beside a folder that is being replaced there may be others, which its name and the number of the
process that writes them begin:

    .NAME.PID-TOKEN.tmp     being filled, or to be removed
    .NAME.PID-TOKEN.new     complete, about to take the folder's place
    .NAME.PID-TOKEN.old     what was in its place, until the new one is

The latter two serve where the file system cannot exchange two folders.
"""

import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from speechlstm.storage.exchange import exchange
from speechlstm.storage.files import sync_folder

_ABANDONED_SECONDS = 3600.0  # since a folder changed, where no process can be asked for
_own: set[Path] = set()  # folders that this process is filling


@contextmanager
def folder_written_atomically(path: Path) -> Iterator[Path]:
    """A new folder to fill, which takes the place of path when the block ends without an error.

    Files in it are to be written by write_atomically. Whenever the process is killed, path is the
    old folder or the new one, or, where the file system cannot exchange two folders, missing until
    recover_folder is called. What killed processes have left beside path is removed.

        with folder_written_atomically(Path("model")) as folder:
            write_atomically(folder / "weights", weights)

    Raises:
        OSError: The folder cannot be written; one that was there before is untouched.
    """
    path = path.resolve()
    recover_folder(path)
    _remove_abandoned(path)
    folder = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    _own.add(folder)
    try:
        folder.mkdir()
        yield folder
        if path.is_dir():
            shutil.copymode(path, folder)
        _put_in_place(folder, path)
    finally:  # what is there now is the old folder, or a new one that came to nothing
        shutil.rmtree(folder, ignore_errors=True)
        _own.remove(folder)


def recover_folder(path: Path) -> None:
    """Put a folder in its place if a process was killed while it was replaced; else do nothing.

    To be called before the folder is opened; where it is in its place, that costs nothing.

    Raises:
        OSError: It cannot be moved there.
    """
    if path.exists() or "\0" in str(path):
        return
    path = path.resolve()
    for suffix in ("new", "old"):
        if candidates := [folder for folder, _ in _beside(path, suffix)]:
            _move_unless_done(max(candidates, key=lambda f: f.stat().st_mtime), path)
            return


def _put_in_place(folder: Path, path: Path) -> None:
    """Give a complete folder the name of another, which gets its; or a name that is free."""
    if not path.is_dir() or not any(path.iterdir()):
        if os.name == "nt" and path.is_dir():
            path.rmdir()  # elsewhere a folder takes the place of an empty one
        folder.rename(path)
    elif not exchange(folder, path):
        _replace_in_steps(folder, path)
    sync_folder(path.parent)


def _replace_in_steps(folder: Path, path: Path) -> None:
    """The same, with names after each step by which recover_folder knows how to go on."""
    new, old = folder.with_suffix(".new"), folder.with_suffix(".old")
    folder.rename(new)
    sync_folder(path.parent)
    try:
        path.rename(old)
    except OSError:  # on Windows, where a file in it is open
        new.rename(folder)
        raise
    sync_folder(path.parent)
    _move_unless_done(new, path)
    sync_folder(path.parent)
    old.rename(folder)


def _move_unless_done(source: Path, path: Path) -> None:
    """Give a folder its name, unless another process that found it missing has been quicker."""
    try:
        source.rename(path)
    except OSError:
        if not path.is_dir():
            raise


def _remove_abandoned(path: Path) -> None:
    """Remove what killed processes have left beside a folder that is in its place."""
    for folder, process in _beside(path, "tmp|new|old"):
        if folder not in _own and (_has_ended(process) or _is_abandoned(folder)):
            shutil.rmtree(folder, ignore_errors=True)


def _beside(path: Path, suffixes: str) -> list[tuple[Path, int]]:
    """Folders that have to do with one, and the processes that wrote them."""
    name = re.compile(rf"{re.escape(f'.{path.name}.')}(\d+)-[0-9a-f]{{8}}\.({suffixes})")
    matches = ((p, name.fullmatch(p.name)) for p in path.parent.glob(".*") if p.is_dir())
    return [(folder, int(match[1])) for folder, match in matches if match]


def _has_ended(process: int) -> bool:
    if os.name == "nt":  # signal 0 would be Ctrl-C there
        return False
    if process == os.getpid():
        return True  # one of this number before: what is this one's own is known
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _is_abandoned(folder: Path) -> bool:
    return time.time() - folder.stat().st_mtime > _ABANDONED_SECONDS
