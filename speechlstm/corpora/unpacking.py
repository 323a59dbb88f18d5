"""Unpacks archives from elsewhere: nothing outside the folder, no links, no bombs."""

import lzma
import os
import shutil
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Self

from speechlstm.errors import DataError, quoted
from speechlstm.storage import folder_written_atomically

_MAX_MEMBERS = 5_000_000
# Of the archive's size. Silence shrinks most: FLAC's ratio for speech is 2, that of gzip for a WAV
# file of zeros 1,000.
_MAX_RATIO = 100
_MAX_SMALL = 1 << 30  # bytes that any archive may have
_BLOCK_BYTES = 1 << 20
# The end of a zip, after which there may be a comment and what zipfile ignores.
_ZIP_END, _ZIP_END_BYTES, _MAX_COMMENT = b"PK\5\6", 22, 1 << 16
_MANY = 0xFFFF  # members or more: the number is elsewhere
_UNIX_TYPE, _UNIX_LINK = 0o170000, 0o120000


_DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    RuntimeError,
    ValueError,  # a number or a name in a header
)


@dataclass(frozen=True)
class _Member:
    name: str
    size: int
    is_folder: bool
    is_file: bool


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a tar (plain, gz, bz2, xz) or a zip into a folder, which appears when it is complete.

    Raises:
        DataError: It is damaged or neither; it has paths that lead outside, links or devices; it is
            far larger than its file lets expect; or the disk is full.
    """
    try:
        with folder_written_atomically(folder) as root:
            if zipfile.is_zipfile(archive):
                _unpack_zip(archive, root)
            else:
                _unpack_tar(archive, root)
    except _DAMAGE as error:
        raise DataError(f"{archive}: is damaged, or neither tar nor zip: {error}") from None
    except OSError as error:
        raise DataError(f"{archive}: cannot be unpacked: {error.strerror or error}") from None


def only_folder(folder: Path) -> Path:
    """The folder itself, or, if there is nothing else in it, the one in it, and so on."""
    while True:
        entries = list(folder.iterdir())
        if len(entries) != 1 or not entries[0].is_dir():
            return folder
        folder = entries[0]


def _unpack_tar(archive: Path, root: Path) -> None:
    check = _Check(archive)
    with tarfile.open(archive, "r:*", tarinfo=_Header) as tar:
        for info in tar:
            member = _Member(info.name, info.size, info.isdir(), info.isreg())
            if path := check.place(member, root):
                content = tar.extractfile(info)
                if content is not None:
                    _copy(content, path)
        while tar.fileobj and tar.fileobj.read(_BLOCK_BYTES):
            pass  # to the end, where the checksum of what is compressed stands


class _Header(tarfile.TarInfo):
    """A header in an archive that must be whole: without its end mark, members may be missing."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """See tarfile.TarInfo; what would end the archive before its end mark is an error."""
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError:
            if buf == bytes(tarfile.BLOCKSIZE):  # the end mark
                raise
            # tar accepts an archive that ends between two members.
            cut = "ends without an end mark, so it may be cut off: copy it again, or unpack it with"
            reason = "no header where one should be" if buf else f"{cut} tar and name the folder"
            raise tarfile.ReadError(reason) from None


def _unpack_zip(archive: Path, root: Path) -> None:
    check = _Check(archive)
    with zipfile.ZipFile(archive) as packed:
        if not _num_listed(archive) <= {len(packed.infolist()), _MANY}:
            raise zipfile.BadZipFile("its list of members is damaged")
        for info in packed.infolist():
            is_link = (info.external_attr >> 16) & _UNIX_TYPE == _UNIX_LINK
            is_folder = info.filename.endswith("/")  # is_dir() fails for a name that is empty
            is_file = not is_link and not is_folder
            if is_folder and info.file_size:  # as if the name ended at a NUL
                raise zipfile.BadZipFile(f"the folder {info.filename} has content")
            member = _Member(info.filename, info.file_size, is_folder, is_file)
            if path := check.place(member, root):
                with packed.open(info) as content:
                    _copy(content, path)


def _num_listed(archive: Path) -> set[int]:
    """The numbers of members that the end of a zip states twice; zipfile compares neither."""
    with archive.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _ZIP_END_BYTES - _MAX_COMMENT))
        content = file.read()
    end = content[content.rfind(_ZIP_END) :]  # as zipfile has found it
    return {int.from_bytes(end[at : at + 2], "little") for at in (8, 10)}


class _Check:
    """Checks the members of an archive one after the other."""

    def __init__(self, archive: Path) -> None:
        self._archive = archive
        self._left = max(_MAX_SMALL, _MAX_RATIO * archive.stat().st_size)
        self._num_members = 0

    def place(self, member: _Member, root: Path) -> Path | None:
        """Where a file is to be written; None for a folder, which is made."""
        named = f"{self._archive}: member {quoted(member.name)}"
        if not _is_inside(member.name):
            raise DataError(f"{named} leads outside of the folder; nothing is unpacked")
        if not member.is_file and not member.is_folder:
            raise DataError(f"{named} is a link or a device; nothing is unpacked")
        self._num_members += 1
        self._left -= member.size
        if self._left < 0 or member.size < 0 or self._num_members > _MAX_MEMBERS:
            raise DataError(f"{self._archive}: unpacks to more than is plausible for its size")
        path = root / member.name
        (path if member.is_folder else path.parent).mkdir(parents=True, exist_ok=True)
        return path if member.is_file else None


def _is_inside(name: str) -> bool:
    if not name or "\0" in name or "\\" in name:
        return False
    is_relative = not PurePosixPath(name).is_absolute() and not PureWindowsPath(name).drive
    return is_relative and ".." not in PurePosixPath(name).parts


def _copy(content: IO[bytes], path: Path) -> None:
    with path.open("xb") as file:
        shutil.copyfileobj(content, file)
