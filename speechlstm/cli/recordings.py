"""The recordings that commands are given: files, folders of them, and pipes."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from speechlstm.cli.output import name_of, say
from speechlstm.errors import AudioError, DataError

if TYPE_CHECKING:
    from speechlstm.audio import FoundRecording


def recordings_in(files: Sequence[Path]) -> "tuple[list[FoundRecording], bool]":
    """The recordings, and whether there is a folder without any, which is reported."""
    from speechlstm.audio import found_recordings

    recordings, failed = [], False
    for found in found_recordings(files):
        if isinstance(found, AudioError):
            say(f"Error: {found}")
            failed = True
        else:
            recordings.append(found)
    return recordings, failed


def reason_of(error: DataError, path: Path) -> str:
    """Why a recording cannot be used, after its name as the user has given it."""
    return f"{name_of(path)}: {error.reason}" if isinstance(error, AudioError) else str(error)


@contextmanager
def seekable(files: Sequence[Path]) -> Iterator[list[Path]]:
    """Files to decode. Pipes are copied, because decoding seeks and reads more than once.

    Args:
        files: The files; -: standard input.

    Raises:
        AudioError: Standard input is closed, or a pipe cannot be read or copied.
    """
    from speechlstm.audio import is_pipe

    if not any(file == Path("-") or is_pipe(file) for file in files):
        yield list(files)
        return
    with TemporaryDirectory() as folder:
        copies: dict[Path, Path] = {}  # by name, because a pipe can only be read once
        for number, file in enumerate(files):
            if file not in copies and (file == Path("-") or is_pipe(file)):
                copies[file] = (
                    Path(folder) / str(number) / (file.name if file.name != "-" else "stdin")
                )
                copies[file].parent.mkdir()
                try:
                    _copy_pipe(file, copies[file])
                except OSError as error:
                    raise AudioError(name_of(file), f"cannot be read: {error.strerror}") from None
        yield [copies.get(file, file) for file in files]


@contextmanager
def seekable_file(file: Path) -> Iterator[Path]:
    """As seekable, of one file, which errors within the block name as the user does."""
    with seekable([file]) as (path,):
        try:
            yield path
        except DataError as error:
            if path == file:
                raise
            raise DataError(str(error).replace(str(path), name_of(file))) from None


def _copy_pipe(file: Path, copy: Path) -> None:
    from speechlstm.audio.source import copy_all

    if file != Path("-"):
        with file.open("rb") as pipe, copy.open("wb") as copied:
            copy_all(pipe, copied)
    elif sys.stdin is None:  # closed, as by <&-
        raise AudioError("-", "standard input is closed; pipe a recording in, or give a file")
    else:
        with copy.open("wb") as copied:
            copy_all(sys.stdin.buffer, copied)
