"""Finds recordings by the suffixes of their names."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from speechlstm.errors import AudioError

# The format itself is detected from the content.
AUDIO_SUFFIXES = (
    *(".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".mp2", ".mpga", ".aif", ".aiff"),
    *(".aifc", ".au", ".snd", ".caf", ".w64", ".rf64", ".sph", ".nist", ".voc", ".m4a", ".m4b"),
    *(".mp4", ".m4v", ".mov", ".avi", ".webm", ".mkv", ".mka", ".aac", ".wma", ".3gp", ".amr"),
    *(".spx", ".ac3", ".wv"),
)


@dataclass(frozen=True)
class FoundRecording:
    """A recording that was named, or found in a folder that was named.

    Attributes:
        path: The recording.
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
            yield FoundRecording(path, PurePath("stdin" if path == Path("-") else path.name))
            continue
        is_empty = True
        try:
            for recording in find_recordings(path):
                is_empty = False
                yield FoundRecording(recording, recording.relative_to(path))
        except OSError as error:
            yield AudioError(path, f"cannot be searched: {error.strerror}")
            continue
        if is_empty:
            known = " ".join(AUDIO_SUFFIXES)
            yield AudioError(path, f"is a folder without a recording; known suffixes are {known}")


def find_recordings(folder: Path) -> Iterator[Path]:
    """The files in a folder and its subfolders whose suffix is that of a recording, sorted.

    Names that begin with a dot are ignored.

    >>> [path.name for path in find_recordings(Path("data/samples"))][:2]
    ['answers.wav', 'birthday.wav']
    """
    for path in sorted(folder.rglob("*")):
        if is_recording_name(path.relative_to(folder)):
            yield path


def is_recording_name(path: Path) -> bool:
    """Whether a path in a folder has the suffix of a recording, and no part of it is hidden."""
    is_hidden = any(part.startswith(".") for part in path.parts)
    return path.suffix.lower() in AUDIO_SUFFIXES and not is_hidden
