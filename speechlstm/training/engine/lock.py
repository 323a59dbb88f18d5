"""The lock of a run's folder: one process trains in it."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from speechlstm.errors import TrainingError
from speechlstm.training.engine.run_folder import RunFolder

# Of file systems, such as NFS without its lock service.
_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP)
LOCK_FILES = _LOCK, _OWNER = "lock", "lock.pid"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock a folder against other processes that train; it is created if it is missing.

    A folder that this created is removed at the end if it holds no run. The lock belongs to the
    operating system, so it ends with the process, even if that is killed.

    Raises:
        TrainingError: Another process trains in the folder, or its file system has no locks.
    """
    path = path.resolve()
    made = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    owner, lock = path / _OWNER, FileLock(path / _LOCK, is_singleton=True)
    if lock.is_locked:  # by an enclosing block of this thread
        yield
        return
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise TrainingError(f"{path}: {_describe(owner)}") from None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        raise TrainingError(
            f"{path}: its file system cannot lock files ({error.strerror}), so two trainings could "
            "overwrite each other; name a folder on a local disk, or mount it with locks (for NFS: "
            "local_lock=flock)"
        ) from None
    try:
        owner.write_text(f"{os.getpid()}\n", encoding="utf-8")
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()
        if made and not RunFolder(path).description.exists():
            shutil.rmtree(path, ignore_errors=True)
            with suppress(OSError):  # a parent that is not empty stays
                for folder in made[1:]:
                    folder.rmdir()


def _describe(owner: Path) -> str:
    try:
        pid = owner.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        pid = ""
    name, stop = (
        (f"process {pid}", f" (kill {pid})") if pid.isdecimal() else ("another process", "")
    )
    return f"{name} is training here; wait until it ends, stop it{stop}, or name another folder"
