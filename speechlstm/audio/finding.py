"""Finds recordings by the suffixes of their names."""

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from speechlstm.audio.names import AUDIO_SUFFIXES
from speechlstm.errors import AudioError
from speechlstm.storage import without_query


@dataclass(frozen=True)
class FoundRecording:
    """A recording that was named, or found in a folder that was named.

    Attributes:
        name: Its path within that folder; of a recording that was named, the name of the file.
    """

    path: Path
    name: PurePath


def found_recordings(paths: Iterable[Path]) -> Iterator[FoundRecording | AudioError]:
    """Recordings as they are named, and all those in the folders that are named.

    >>> found = list(found_recordings([Path("data/samples"), Path("data/samples/zip.wav")]))
    >>> found[0].name.as_posix(), found[-1].name.as_posix(), len(found)
    ('answers.wav', 'zip.wav', 10)

    Yields:
        In the order of the paths, those of a folder sorted: a recording, or the error for a folder
        that has none or cannot be read.
    """
    for path in paths:
        if not path.is_dir():
            name = "stdin" if path == Path("-") else PurePath(without_query(path)).name
            yield FoundRecording(path, PurePath(name))
            continue
        errors: list[OSError] = []
        recordings = list(find_recordings(path, errors.append))
        for recording in recordings:
            yield FoundRecording(recording, recording.relative_to(path))
        for error in errors:
            yield AudioError(Path(error.filename), f"cannot be searched: {error.strerror}")
        if not recordings and not errors:
            yield AudioError(path, f"is a folder without a recording; {_advice(path)}")


def _advice(folder: Path) -> str:
    """What to do with a folder in which no recording is found."""
    if any(folder.glob("*.tar")):
        return (
            "it has archives: unpack them (tar -xf ARCHIVE), or, if they are shards of a manifest, "
            "give the folder to evaluate"
        )
    return f"known suffixes are {' '.join(AUDIO_SUFFIXES)}"


def _raise(error: OSError) -> None:
    raise error


def find_recordings(folder: Path, on_error: Callable[[OSError], None] = _raise) -> Iterator[Path]:
    """The files in a folder and its subfolders whose suffix is that of a recording, sorted.

    Names that begin with a dot are ignored, as are pipes and devices, which may never end. Links to
    folders are not followed.

    >>> [path.name for path in find_recordings(Path("data/samples"))][:2]
    ['answers.wav', 'birthday.wav']
    """
    found = []
    for parent, folders, names in os.walk(folder, onerror=on_error):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = (Path(parent, name) for name in names if is_recording_name(Path(name)))
        found += [path for path in paths if _may_be_file(path)]
    yield from sorted(found)


def _may_be_file(path: Path) -> bool:
    """Whether a path is a file, or cannot be read, which is to be said."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return True


def is_recording_name(path: Path) -> bool:
    """Whether a path in a folder has the suffix of a recording, and no part of it is hidden."""
    is_hidden = any(part.startswith(".") for part in path.parts)
    return path.suffix.lower() in AUDIO_SUFFIXES and not is_hidden
