"""Names of files and folders that are being written, and the removal of those never finished.

While NAME is being written, it is called .NAME.PID-TOKEN.tmp; PID is the process that writes it,
and the first half of TOKEN stands for its machine, since several machines may share a folder. A
long NAME, for which file systems would have no room, has its checksum there.
"""

import os
import re
import shutil
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

_ABANDONED_SECONDS = 3600.0  # age of what is left over by a process that cannot be checked
_LONGEST_NAME = 255 - len("..4294967295-01234567.tmp")  # bytes
_NAME = re.compile(r"\..+\.(\d+)-([0-9a-f]{4})[0-9a-f]{4}\.(?:tmp|new|old)", re.DOTALL)
_own: set[Path] = set()  # what this process is writing
_visited: set[tuple[int, Path]] = set()  # processes, and folders from which leftovers are removed


def unfinished(path: Path) -> Path:
    """What a path is to be called until it is complete; `forget` the name afterwards."""
    token = f"{_machine()}{os.urandom(2).hex()}"
    temporary = path.with_name(f".{_short_name(path)}.{os.getpid()}-{token}.tmp")
    _own.add(temporary)
    return temporary


def forget(temporary: Path) -> None:
    """Tell that a name which `unfinished` has given is no longer in use."""
    _own.discard(temporary)


def beside(path: Path, suffixes: str) -> Iterator[Path]:
    """What `path` is or was called while it was being written.

    Args:
        suffixes: A regular expression of the suffixes to look for.
    """
    name = re.compile(rf"{re.escape(f'.{_short_name(path)}.')}\d+-[0-9a-f]{{8}}\.({suffixes})")
    return (p for p in path.parent.glob(".*") if name.fullmatch(p.name))


def _short_name(path: Path) -> str:
    name = os.fsencode(path.name)
    return path.name if len(name) <= _LONGEST_NAME else f"{zlib.crc32(name):08x}"


def remove_abandoned_files(folder: Path) -> None:
    """Remove the unfinished files that killed processes have left in a folder.

    Only the first call of a process for a folder does so: a folder may have a million files.
    """
    visit = os.getpid(), folder
    if visit in _visited:
        return
    _visited.add(visit)
    with suppress(OSError):  # whoever writes there will say why it cannot be
        for path in folder.glob(".*.tmp"):
            if path.is_file() and is_abandoned(path):
                path.unlink(missing_ok=True)


def remove_unfinished(folder: Path) -> None:
    """Remove all unfinished files and folders in a folder into which nobody else writes."""
    for temporary in folder.glob(".*.tmp"):
        if temporary.is_dir():
            shutil.rmtree(temporary)
        else:
            temporary.unlink()


def is_abandoned(path: Path) -> bool:
    """Whether what has such a name is not being written by any process."""
    name = _NAME.fullmatch(path.name)
    if not name or path in _own:
        return False
    with suppress(OSError):  # that it is gone
        return (name[2] == _machine() and _has_ended(int(name[1]))) or (
            time.time() - path.stat().st_mtime > _ABANDONED_SECONDS
        )
    return False


@cache
def _machine() -> str:
    """Four hexadecimal digits for this machine, or container."""
    name = "" if sys.platform == "win32" else os.uname().nodename  # without loading socket
    return f"{zlib.crc32(name.encode()) & 0xFFFF:04x}"


def _has_ended(process: int) -> bool:
    if os.name == "nt":  # there, signal 0 would be Ctrl-C
        return False
    if process == os.getpid():
        return True  # an earlier process of this number; what this one writes is in _own
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False
