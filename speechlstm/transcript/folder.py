"""Writes the transcripts of many recordings into a folder."""

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath
from unicodedata import normalize

from speechlstm.errors import ConfigError, DataError
from speechlstm.storage import write_atomically

SUFFIX_OF = {
    "text": ".txt",
    "json": ".json",
    "srt": ".srt",
    "vtt": ".vtt",
    "ctm": ".ctm",
    "rttm": ".rttm",
    "textgrid": ".TextGrid",
}  # the suffix of each format's files
_MERGES_CASE = sys.platform in ("win32", "darwin")  # whether a.txt and A.txt are one file


class TranscriptFolder:
    """A folder for transcripts, one file for each recording and format, with the same subfolders.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as path:
    ...     names = [PurePath("one"), PurePath("monday/two")]
    ...     recordings = [Path("one.wav"), Path("monday/two.wav")]
    ...     folder = TranscriptFolder(Path(path), recordings, names, ["srt", "json"])
    ...     folder.write(1, "srt", "1")
    ...     [folder.missing(0), folder.missing(1)]
    [['srt', 'json'], ['json']]

    Args:
        folder: It is made for the first transcript if it does not exist.
        recordings: The recordings, which are never overwritten.
        names: For each recording, its path in the folder that it comes from, without its suffix.
        formats: The formats, keys of SUFFIX_OF.
        keeps: Whether transcripts that exist will be kept. If not, a text beside its recording is
            refused, because it may be the reference.

    Raises:
        ConfigError: Two recordings would have the same transcript.
        DataError: A transcript would overwrite a recording, or a text beside its recording.
    """

    def __init__(
        self,
        folder: Path,
        recordings: Iterable[Path],
        names: Iterable[PurePath],
        formats: Sequence[str],
        keeps: bool = False,
    ) -> None:
        self._formats = formats
        self._stems = [folder / name for name in names]
        given = list(zip(recordings, self._stems, strict=True))
        _refuse_collisions(given)
        inputs = {_identity(recording) for recording, _ in given}
        for recording, stem in given:
            for name in formats:
                path = _path(stem, name)
                if _identity(path) in inputs:
                    raise DataError(f"{path}: is one of the recordings; write to another folder")
                if name == "text" and not keeps and path.exists() and _is_beside(path, recording):
                    raise DataError(
                        f"{path}: stands beside its recording and may be its text; write to "
                        "another folder, or keep what exists with --skip-existing"
                    )

    def missing(self, index: int) -> list[str]:
        """The formats in which the transcript of a recording does not exist yet."""
        stem = self._stems[index]
        return [name for name in self._formats if not _path(stem, name).exists()]

    def write(self, index: int, name: str, content: str) -> None:
        """Write the transcript of a recording in one of the formats, atomically.

        Raises:
            OSError: It cannot be written.
        """
        path = _path(self._stems[index], name)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)


def _path(stem: Path, name: str) -> Path:
    return stem.with_name(stem.name + SUFFIX_OF[name])


def _refuse_collisions(given: Iterable[tuple[Path, Path]]) -> None:
    owners: dict[str, Path] = {}
    for recording, stem in given:
        key = normalize("NFC", f"{stem}".casefold()) if _MERGES_CASE else f"{stem}"
        owner = owners.setdefault(key, recording)
        if owner == recording and owner is not recording:
            raise ConfigError(f"{recording}: is given twice")
        if owner is not recording:
            raise ConfigError(
                f"{owner} and {recording} would have the same transcript, {stem}.*; rename one of "
                "them, or write to two folders"
            )


def _identity(path: Path) -> str | tuple[int, int]:
    """Equal for two names of one file, also through links."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return os.path.abspath(path)  # noqa: PTH100 Path.resolve fails for some names
    return status.st_dev, status.st_ino


def _is_beside(path: Path, recording: Path) -> bool:
    return _identity(path.parent) == _identity(recording.parent)
