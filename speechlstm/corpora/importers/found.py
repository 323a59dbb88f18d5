"""What the importers find, and how they read the files that list it."""

import csv
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, product
from pathlib import Path
from typing import Literal

from speechlstm.audio import AUDIO_SUFFIXES
from speechlstm.errors import ManifestError, counted
from speechlstm.storage import open_regular_file, text_lines, utf8_lines

Row = dict[str, str]

_MAC_ENDS = re.compile("(?<=\r)(?!\n)")  # of lines, in tables that old programs write


@dataclass(frozen=True)
class Found:
    """An utterance as a corpus lists it, before its recording has been looked at.

    Attributes:
        where: The place that lists it, for errors: a file, with the number of the line.
        id: Identifies the utterance.
        text: The transcript; white space in it does not matter.
        speaker: Identifies the speaker; None: not known.
        part: The split or tier that it belongs to; None: there are none.
        start: Where it begins in the recording, in seconds; None: it is all of the recording.
        end: Where it ends in the recording, in seconds; None: at the end of the recording.
    """

    where: str
    id: str
    audio: Path
    text: str
    speaker: str | None = None
    part: str | None = None
    start: float | None = None
    end: float | None = None


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a text that are not empty, with their numbers from 1.

    Raises:
        ManifestError: The file cannot be read or is not UTF-8.
    """
    number = 0
    try:
        with open_regular_file(path) as file:
            for line in text_lines(file):
                number += 1
                if line.strip():
                    yield number, line
    except OSError as error:
        raise ManifestError(path, f"cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ManifestError(path, f"{error}", number + 1) from None


def table(
    path: Path, needed: Sequence[str], delimiter: str = ",", is_quoted: bool = True
) -> Iterator[tuple[int, Row | ManifestError]]:
    """The rows of a table whose first line names its columns.

    The fields may also be separated as spreadsheets do it in other countries: by semicolons, tabs
    or with spaces after the commas, if only so the columns that are needed are found.

    Yields:
        The number of the line at which a row ends, and its fields by column, or an error if it
        lacks some.

    Raises:
        ManifestError: The file cannot be read, is not UTF-8 or lacks a column that is needed.
    """
    rows: csv.DictReader[str] = csv.DictReader(())  # until the first line has been read
    try:
        with open_regular_file(path) as file:
            lines = (
                line for content in utf8_lines(file) for line in _MAC_ENDS.split(content.decode())
            )
            first = next(lines, "")
            separated, is_spaced = _separation(first, needed, delimiter)
            is_quoted |= separated != delimiter
            quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if is_quoted else csv.QUOTE_NONE
            rows = csv.DictReader(
                chain([first], lines),
                delimiter=separated,
                quoting=quoting,
                skipinitialspace=is_spaced,
            )
            columns = rows.fieldnames or []
            if lacking := [name for name in needed if name not in columns]:
                names = ", ".join(columns[:20]) or "none"
                reason = f"lacks the column {', '.join(lacking)}; its first line names {names}"
                raise ManifestError(path, reason, 1)
            for row in rows:
                num_fields = sum(value is not None for key, value in row.items() if key is not None)
                if None in row or num_fields < len(columns):
                    given = num_fields + len(row.get(None, []))
                    reason = f"has {counted(given, 'field')}, the first line has {len(columns)}"
                    yield rows.line_num, ManifestError(path, reason, rows.line_num)
                else:
                    yield rows.line_num, row
    except OSError as error:
        raise ManifestError(path, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        reason = f"is not UTF-8: {error.reason} at byte {error.start}; save it as UTF-8"
        raise ManifestError(path, reason, rows.line_num + 1) from None
    except ValueError as error:
        raise ManifestError(path, f"{error}") from None
    except csv.Error as error:
        raise ManifestError(path, f"is not a table: {error}", rows.line_num + 1) from None


def _separation(line: str, needed: Sequence[str], delimiter: str) -> tuple[str, bool]:
    """The delimiter with which a line names the columns, and whether spaces follow it."""
    for separated, is_spaced in product((delimiter, ",", ";", "\t"), (False, True)):
        fields = next(csv.reader([line], delimiter=separated, skipinitialspace=is_spaced), [])
        if set(needed) <= set(fields):
            return separated, is_spaced
    return delimiter, False


def has_columns(path: Path, needed: Sequence[str], delimiter: str = ",") -> bool:
    """Whether a file is a table with certain columns; its other lines may be damaged."""
    try:
        next(table(path, needed, delimiter), None)
    except ManifestError as error:
        return error.line is not None and error.line > 1
    return True


def files_of(source: Path, suffixes: Sequence[str]) -> list[Path]:
    """The file itself if it has one of some suffixes; of a folder, the files that have one."""
    paths = sorted(source.rglob("*")) if source.is_dir() else [source]
    return [path for path in paths if path.suffix.lower() in suffixes]


def recording_named(folder: Path, stem: str, usual: str) -> Path:
    """The recording with a name but for its suffix, of any format; if none exists, the usual one.

    Args:
        folder: Where it should be.
        stem: Its name without the suffix.
        usual: The suffix that the corpus is published with.
    """
    usual_path = folder / f"{stem}{usual}"
    paths = (folder / f"{stem}{suffix}" for suffix in in_any_case((usual, *AUDIO_SUFFIXES)))
    return next(filter(is_file, paths), usual_path)


def first_existing(name: str, folders: Sequence[Path]) -> Path:
    r"""A path, relative to the first of some folders that has such a file; else to the first one.

    Tables that were made on Windows have backslashes in them (calls\1.wav).
    """
    names = dict.fromkeys((name, name.replace("\\", "/")))
    paths = [folder / either for folder in folders for either in names]
    return next((path for path in paths if is_file(path)), paths[0])


def in_any_case(suffixes: Iterable[str]) -> list[str]:
    """Suffixes as recorders and systems write them.

    >>> in_any_case([".wav", ".m4a"])
    ['.wav', '.m4a', '.WAV', '.M4A', '.Wav']
    """
    ways = (str.lower, str.upper, str.title)
    return list(dict.fromkeys(way(suffix) for way, suffix in product(ways, suffixes)))


def is_file(path: Path) -> bool:
    """Whether there is such a file, whatever a list takes for its name."""
    return os.path.isfile(path)  # noqa: PTH113  (Path.is_file raises if the name is too long)


def path_id(path: Path) -> str:
    """An id for a recording: its path without the suffix.

    >>> path_id(Path("anna/1.wav"))
    'anna/1'
    """
    return (path.with_suffix("") if path.name else path).as_posix()


def piece_id(name: str, start: float, end: float | None) -> str:
    """An id for a piece of a recording: its name and times in milliseconds.

    >>> piece_id("talk", 12.5, 15.25)
    'talk-0012500-0015250'
    """
    ending = "end" if end is None else f"{1000 * end:07.0f}"  # also of nan, which is refused later
    return f"{name}-{1000 * start:07.0f}-{ending}"
