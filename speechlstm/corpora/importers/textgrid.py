"""Praat's TextGrid, in its long and its short form: intervals of a long recording, on tiers."""

import re
from collections.abc import Iterator
from pathlib import Path

from speechlstm.corpora.importers.found import Found, files_of, piece_id, recording_named
from speechlstm.errors import ManifestError
from speechlstm.storage import decode_text, read_regular_file

LOOKED_FOR = ".TextGrid files with recordings of the same names beside them"
_SUFFIXES = (".textgrid",)
# Praat reads texts, numbers that stand free and flags; the names in the long form are comments.
_TOKEN = re.compile(
    r'"(?P<text>(?:[^"]|"")*)"|(?<!\S)(?P<number>-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(?!\S)|<exists>'
)


def is_textgrid(source: Path) -> bool:
    """Whether a file is one, or a folder has one."""
    return bool(files_of(source, _SUFFIXES))


def read_textgrid(source: Path) -> Iterator[Found | ManifestError]:
    """The intervals that have a text; the speaker is not known.

    Raises:
        ManifestError: A file cannot be read.
    """
    for path in files_of(source, _SUFFIXES):
        audio = recording_named(path.parent, path.stem, ".wav")
        try:
            intervals = list(_intervals(_tokens(path)))
        except (StopIteration, RuntimeError, TypeError) as error:
            raise ManifestError(path, "is not a TextGrid as Praat writes it") from error
        for number, (tier, start, end, text) in enumerate(intervals, start=1):
            if text.strip():
                where = f"{path}: interval {number} ({start:.2f} to {end:.2f} s) of tier {tier}"
                identity = piece_id(path.stem, start, end)
                yield Found(where, identity, audio, text, None, tier, start, end)


def _tokens(path: Path) -> Iterator[str | float | None]:
    """Texts, numbers, and None for a flag."""
    try:
        text = decode_text(read_regular_file(path, 1 << 28))
    except OSError as error:
        raise ManifestError(path, f"cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ManifestError(path, f"{error}") from None
    for match in _TOKEN.finditer(text):
        if match["text"] is not None:
            yield match["text"].replace('""', '"')
        else:
            yield float(match["number"]) if match["number"] else None


def _intervals(tokens: Iterator[str | float | None]) -> Iterator[tuple[str, float, float, str]]:
    """Tier, start, end and text of each interval."""
    if next(tokens) != "ooTextFile" or next(tokens) != "TextGrid":
        raise TypeError("another kind of file")
    _, _, _, num_tiers = (next(tokens) for _ in range(4))
    for _ in range(_whole(num_tiers)):
        kind, name = next(tokens), next(tokens)
        _, _, num_items = (next(tokens) for _ in range(3))
        for _ in range(_whole(num_items)):
            start = next(tokens)
            end = next(tokens) if kind == "IntervalTier" else start
            text = next(tokens)
            if not isinstance(start, float) or not isinstance(end, float):
                raise TypeError("a time is no number")
            if kind == "IntervalTier":
                yield str(name), start, end, str(text)


def _whole(number: str | float | None) -> int:
    if not isinstance(number, float) or not number.is_integer():
        raise TypeError("a count is no number")
    return int(number)
