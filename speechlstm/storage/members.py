"""Members of tar archives, which a path names with the place of their bytes.

`train/000004.tar/1536+88211/0123.flac` are the 88,211 bytes of train/000004.tar from byte 1,536 on.
With the place in its name, each of a million members is one read away, without an index in memory.
"""

import errno
import os
import re
import tarfile
from dataclasses import dataclass
from pathlib import Path

from speechlstm.storage.remote import address_of, read_address

_MEMBER = re.compile(r"(.+\.tar)[/\\](\d{1,18})\+(\d{1,18})[/\\]([^/\\]+)", re.DOTALL)


@dataclass(frozen=True)
class Member:
    """A member of an archive.

    >>> Member.named("a.tar/512+10/x.flac")
    Member(archive='a.tar', start=512, size=10, name='x.flac')
    >>> Member.named("a.flac")

    Attributes:
        name: Its name, without folders.
    """

    archive: str
    start: int
    size: int
    name: str

    @classmethod
    def named(cls, path: Path | str) -> "Member | None":
        """The member that a path names; None if it is no such name."""
        path = f"{path}"
        found = _MEMBER.fullmatch(path) if ".tar" in path else None  # for most, no search
        return cls(found[1], int(found[2]), int(found[3]), found[4]) if found else None

    def read(self) -> bytes:
        """Its content.

        Raises:
            OSError: The archive cannot be read, ends before the member does, or has another member
                in its place.
            MissingDependencyError: See read_address.
        """
        start = max(0, self.start - tarfile.BLOCKSIZE)  # of the member's header
        content = self._read(start, self.start + self.size - start)
        header, content = content[: self.start - start], content[self.start - start :]
        try:
            found = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
            is_here = found.name.rpartition("/")[2] == self.name and found.size == self.size
        except tarfile.HeaderError:
            is_here = False
        if not is_here:
            raise OSError(errno.EIO, "is not at this place of its archive, which has been changed")
        return content

    def _read(self, start: int, size: int) -> bytes:
        if address := address_of(self.archive):
            return read_address(address, start, size)
        with Path(self.archive).open("rb") as file:
            if os.fstat(file.fileno()).st_size < start + size:
                raise OSError(errno.EIO, "lies beyond the end of its archive")
            file.seek(start)
            return file.read(size)
