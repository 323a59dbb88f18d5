"""The bytes of a recording: from a file, a pipe or a file object."""

import errno
import io
import os
import re
import stat
import sys
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from typing import Any, BinaryIO

from speechlstm.arguments import StrPath
from speechlstm.errors import AudioError
from speechlstm.storage import Member, address_of, read_address, refuse_nul

_CHUNK_BYTES = 1 << 20
_FIRST_BYTES = 1 << 12  # searched first: joined recordings can be many and short
_NO_ROOM = (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))


@dataclass(frozen=True)
class Piece:
    """A piece of a long recording, which is read in its place.

    >>> print(Piece(Path("talk.flac"), 12.5, 3.25))
    talk.flac (12.50 to 15.75 s)

    Attributes:
        start: In seconds from the start of the recording.
        duration: In seconds.
    """

    path: Path
    start: float
    duration: float

    @property
    def end(self) -> float:
        """In seconds from the start of the recording."""
        return self.start + self.duration

    def __str__(self) -> str:
        return f"{self.path} ({self.start:.2f} to {self.end:.2f} s)"


# The path of a file, a piece of one, or a binary file object, which is read from its position.
Recording = StrPath | Piece | BinaryIO


@dataclass(frozen=True)
class Source:
    """The bytes of a recording.

    Attributes:
        file: Unbuffered and seekable.
        path: Names the recording in errors.
        size: In bytes. What the file has after them is not read.
        piece: The piece that is wanted; None: the whole recording.
    """

    file: io.FileIO
    path: Path
    size: int
    piece: Piece | None = None

    def read(self, start: int, num_bytes: int) -> bytes:
        """The bytes from start on; fewer than num_bytes at the end, none after it."""
        num_bytes = min(num_bytes, self.size - start)
        if num_bytes <= 0:
            return b""
        self.file.seek(start)
        pieces = []
        while num_bytes > 0 and (piece := self.file.read(num_bytes)):
            pieces.append(piece)
            num_bytes -= len(piece)
        return b"".join(pieces)

    def find(self, markers: Collection[bytes], start: int) -> Iterator[int]:
        """The positions from start on at which one of some markers stands, in order."""
        pattern = re.compile(b"|".join(map(re.escape, markers)))
        return self.search(pattern, max(map(len, markers)), start)

    def search(self, pattern: re.Pattern[bytes], longest: int, start: int) -> Iterator[int]:
        """The positions from start on at which a pattern matches, in order.

        Args:
            longest: The number of bytes of its longest match.
        """
        num_bytes = _FIRST_BYTES
        while start < self.size:
            for match in pattern.finditer(self.read(start, num_bytes + longest - 1)):
                if match.start() < num_bytes:
                    yield start + match.start()
            start += num_bytes
            num_bytes = min(2 * num_bytes, _CHUNK_BYTES)


@contextmanager
def opened(recording: Recording) -> Iterator[Source]:
    """Open a recording. Pipes and file objects are copied first: into a temporary file, or memory.

    Raises:
        AudioError: The recording cannot be opened, is a folder or a device, or is empty.
        TypeError: It is neither a path nor a binary file object.
    """
    piece = recording if isinstance(recording, Piece) else None
    recording = recording.path if isinstance(recording, Piece) else recording
    is_named = isinstance(recording, str | os.PathLike)
    if not is_named and not hasattr(recording, "read"):
        raise TypeError(
            "a recording must be a path or a binary file object, not "
            f"{type(recording).__name__}; Audio.from_array takes samples, io.BytesIO makes a file "
            "object of bytes"
        )
    path = Path(recording if isinstance(recording, str | os.PathLike) else _name(recording))
    try:
        refuse_nul(path)
        with _opened_named(path) if is_named else _copied(recording) as file:
            size = os.fstat(file.fileno()).st_size
            if size == 0:
                is_at_end = not is_named and _position(recording) > 0
                rest = " from its position on; seek(0) goes to its start" if is_at_end else ""
                raise AudioError(path, f"is empty (0 bytes{rest})")
            yield Source(file, path, size, piece)
    except OSError as error:
        raise AudioError(path, f"cannot be read: {error.strerror or error}") from None


def repeatable(recording: object) -> Path | Piece:
    """A recording that other processes can read, too: one that has a path.

    Raises:
        TypeError: It is something else.
    """
    if isinstance(recording, Piece):
        return recording
    if isinstance(recording, str | os.PathLike):
        return Path(recording)
    raise TypeError(
        f"the path of a recording is needed, not {type(recording).__name__}; Audio.load reads file "
        "objects, Audio.from_array takes samples, and the methods without _file take an Audio"
    )


def is_pipe(path: Path) -> bool:
    """Whether a file can be read only once: a FIFO, /dev/stdin, a shell's <(...)."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _name(file: Any) -> str:
    name = getattr(file, "name", None)
    return name if isinstance(name, str) else "recording"


def _position(file: Any) -> int:
    """0 also for what cannot go back."""
    can_seek = getattr(file, "seekable", None)
    return file.tell() if can_seek and can_seek() else 0


def _opened_named(path: Path) -> Any:
    if member := Member.named(path):
        return _copied(io.BytesIO(member.read()))
    if address := address_of(path):
        return _copied(io.BytesIO(read_address(address)))
    try:
        mode = path.stat().st_mode
    except ValueError:  # the name has lone surrogates
        raise AudioError(path, "cannot be read: no file can have this name") from None
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        raise AudioError(path, "is a device, not a recording")
    if is_pipe(path):
        with path.open("rb") as pipe:
            return _copied(pipe)
    return path.open("rb", buffering=0)


def _copied(file: Any) -> Any:
    copy = _empty_copy(file)
    try:
        if isinstance(file, io.TextIOBase):
            raise TypeError('the file object of a recording must be binary: open(path, "rb")')
        copy_all(file, copy)
        copy.seek(0)
    except io.UnsupportedOperation:
        copy.close()
        raise TypeError('the file object must be open for reading: open(path, "rb")') from None
    except BaseException:
        copy.close()
        raise
    return copy


def _empty_copy(file: Any) -> Any:
    """A file to copy to: what is in memory, as members of archives are, needs no room on a disk."""
    if sys.platform == "linux" and isinstance(file, io.BytesIO):
        with suppress(OSError):  # of a sandbox that forbids it
            return os.fdopen(os.memfd_create("recording"), "w+b", buffering=0)
    return TemporaryFile(buffering=0)


def copy_all(file: BinaryIO, copy: BinaryIO) -> None:
    """Copy a recording that can be read only once into a temporary file.

    Raises:
        OSError: It cannot be read, or there is no room for it; the message says where.
    """
    try:
        while content := file.read(_CHUNK_BYTES):
            rest = memoryview(content)
            while rest:  # unbuffered, a disk takes what there is room for, and fails after that
                rest = rest[copy.write(rest) :]
        copy.flush()
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        reason = f"{error.strerror} in {gettempdir()}, where it is copied to; set TMPDIR"
        raise OSError(error.errno, f"{reason} to a folder with more room") from None


class Excerpt(io.RawIOBase):
    """Parts of a recording's bytes, and other bytes between them, as one file.

    >>> with opened("data/samples/date.wav") as source:
    ...     Excerpt(source, [b"<", (0, 4), b">"]).read()
    b'<RIFF>'

    Args:
        pieces: Bytes, or (start, end) of a range in the recording.
    """

    def __init__(self, source: Source, pieces: Sequence[bytes | tuple[int, int]]) -> None:
        super().__init__()
        self._source = source
        self._pieces = pieces
        lengths = (len(p) if isinstance(p, bytes) else p[1] - p[0] for p in pieces)
        self._ends = list(accumulate(lengths))
        self._position = 0

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The position, in bytes from the start."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """See io.IOBase."""
        size = self._ends[-1] if self._ends else 0
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        """See io.RawIOBase. Fills the buffer as far as there are bytes."""
        view, filled = memoryview(buffer).cast("B"), 0
        while filled < len(view):
            index = bisect_right(self._ends, self._position)
            if index == len(self._ends):
                break
            wanted = min(len(view) - filled, self._ends[index] - self._position)
            piece = self._pieces[index]
            if isinstance(piece, bytes):
                start = len(piece) - (self._ends[index] - self._position)
                content = piece[start : start + wanted]
            else:
                content = self._source.read(piece[1] - self._ends[index] + self._position, wanted)
            if not content:
                break  # the file has been shortened in the meantime
            view[filled : filled + len(content)] = content
            filled += len(content)
            self._position += len(content)
        return filled
