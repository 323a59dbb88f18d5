"""Files at addresses (s3://, gs://, https://, http://), through fsspec.

A Path has a single slash after the colon of an address; both forms are understood. Credentials are
those of the environment, as s3fs, gcsfs and aiohttp find them.
"""

import errno
import importlib
import posixpath
import re
import sys
import time
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from speechlstm.errors import MissingDependencyError

_ADDRESS = re.compile(r"(s3|gs|https?):[/\\]+(?=[^/\\])")
_PACKAGES = {"s3": "s3fs", "gs": "gcsfs", "https": "aiohttp", "http": "aiohttp"}
# What libraries raise, beside OSError, if a server or the network fails.
_FAILURES = {
    "aiohttp": ("ClientError",),
    "botocore.exceptions": ("BotoCoreError", "ClientError"),
    "gcsfs.retry": ("HttpError",),
}
_NAMED = {  # errors of aiohttp that do not say what is wrong
    "TooManyRedirects": "the server sends from one address to the next without end",
    "ClientPayloadError": "the connection was closed before the end of the file",
    "ServerDisconnectedError": "the server closed the connection",
}
_BUSY = (408, 425, 429)  # statuses after which a server may be asked again
_ATTEMPTS = 4
_WAIT_SECONDS = 1.0  # before the second attempt; twice as long before each further one


def address_of(path: Path | str) -> str | None:
    """The address that a path is; None if it is the path of a local file.

    >>> address_of(Path("https://example.org/lists") / "../wav/a.wav")
    'https://example.org/wav/a.wav'
    >>> address_of("wav/a.wav")
    """
    found = _ADDRESS.match(f"{path}")
    if not found:
        return None
    place, mark, query = f"{path}"[found.end() :], "", ""
    if found[1].startswith("http"):
        place, mark, query = place.partition("?")
    place = posixpath.normpath(place.replace("\\", "/"))
    return f"{found[1]}://{place}{mark}{query}"


def address_in(folder: Path | str, name: str) -> str | None:
    """The address of a file whose path a list names; None if it is no address.

    >>> address_in("https://example.org/lists", "../wav/no #1.wav")
    'https://example.org/wav/no%20%231.wav'

    Args:
        name: An address, or a path relative to the folder.
    """
    if address := address_of(name):
        return address
    if not (address := _address_of_folder(folder)):
        return None
    if address.startswith("http"):  # a path may have characters that mean something in an address
        name = quote(name.replace("\\", "/"), safe="/+")
    return address_of(f"{address}/{name}")


_address_of_folder = lru_cache(maxsize=64)(address_of)  # a list may have a million lines


def without_query(path: Path | str) -> str:
    """A path, or an address without what follows its path after a question mark.

    >>> without_query("https://example.org/lists/all.jsonl?token=1/2")
    'https://example.org/lists/all.jsonl'
    """
    address = address_of(path)
    if not address:
        return f"{path}"
    return address.partition("?")[0] if address.startswith("http") else address


def read_address(address: str, start: int = 0, size: int | None = None) -> bytes:
    """The content at an address, or a part of it; what fails is tried four times.

    Args:
        address: As address_of returns it.
        size: In bytes; None: to the end.

    Raises:
        OSError: There is no such file, it ends earlier, or the server or the network fails.
        MissingDependencyError: fsspec, or its package for such addresses, is not installed.
    """
    files = _file_system(address)
    part = {} if size is None else {"start": start, "end": start + size}
    wait = _WAIT_SECONDS
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            content: bytes = files.cat_file(address, **part)
        except FileNotFoundError:
            raise FileNotFoundError(errno.ENOENT, "no such file", address) from None
        except _failures() as error:
            reason, is_final = _judged(error)
            if is_final:
                raise OSError(errno.EIO, reason, address) from None
            if attempt == _ATTEMPTS:
                reason = f"{reason} ({_ATTEMPTS} attempts)"
                raise OSError(errno.EIO, reason, address) from None
            time.sleep(wait)
            wait *= 2
        else:
            break
    if size is not None and len(content) > size:  # the server sends all, whatever is asked for
        content = content[start : start + size]
    if size is not None and len(content) < size:
        raise OSError(errno.EIO, "ends too early", address)
    return content


def _file_system(address: str) -> Any:
    scheme = address.partition(":")[0]
    try:
        fsspec = importlib.import_module("fsspec")
        importlib.import_module(_PACKAGES[scheme])
    except ModuleNotFoundError as error:
        raise MissingDependencyError(error.name or "fsspec") from None
    return fsspec.filesystem(scheme)


def _judged(error: Exception) -> tuple[str, bool]:
    """What failed, in a line, and whether it would fail again."""
    if (name := type(error).__name__) in _NAMED:
        return _NAMED[name], name == "TooManyRedirects"
    status = getattr(error, "status", None)
    if isinstance(status, int):
        is_final = 400 <= status < 500 and status not in _BUSY
        return f"the server says {status} {getattr(error, 'message', '')}".strip(), is_final
    reason = " ".join(f"{error}".split()) or name
    return reason, isinstance(error, PermissionError)


def _failures() -> tuple[type[Exception], ...]:
    """The errors of the libraries that have been imported."""
    found = [
        getattr(sys.modules[module], name)
        for module, names in _FAILURES.items()
        for name in names
        if module in sys.modules
    ]
    return (OSError, *found)
