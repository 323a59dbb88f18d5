"""Two folders exchange their names in one system call, where the system has one."""

import errno
import os
import sys
from pathlib import Path

_AT_FDCWD = -100  # paths are relative to the working folder
_RENAME_EXCHANGE = 2  # linux/fs.h
_RENAME_SWAP = 2  # macOS' sys/stdio.h
_IMPOSSIBLE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EXDEV)


def exchange(one: Path, other: Path) -> bool:
    """Have two paths, which both exist, exchange what they name: both at once or not at all.

    renameat2 on Linux (since 3.15), renamex_np on macOS; Python has neither.

    Returns:
        Whether it was done; False where the system or the file system cannot.

    Raises:
        OSError: It could be done here, but not with these.
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
    except AttributeError:  # a C library that lacks it
        return False
    if not failed:
        return True
    number = ctypes.get_errno()
    if number in _IMPOSSIBLE:
        return False
    raise OSError(number, os.strerror(number), str(one), None, str(other))
