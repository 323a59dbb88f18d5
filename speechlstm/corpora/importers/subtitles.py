"""Subtitles (SRT, WebVTT) of a long recording."""

from collections.abc import Iterator
from pathlib import Path

from speechlstm.corpora.importers.found import Found, files_of, piece_id, recording_named
from speechlstm.errors import ManifestError
from speechlstm.storage import decode_text, read_regular_file
from speechlstm.text.written import timed_subtitles

LOOKED_FOR = ".srt or .vtt files with recordings of the same names beside them"
_SUFFIXES = (".srt", ".vtt")


def is_subtitles(source: Path) -> bool:
    """Whether a file has subtitles, or a folder has such a file."""
    return bool(files_of(source, _SUFFIXES))


def read_subtitles(source: Path) -> Iterator[Found]:
    """The subtitles that have a text, without their markup; the speaker is not known.

    Raises:
        ManifestError: A file cannot be read, or has no subtitle.
    """
    for path in files_of(source, _SUFFIXES):
        try:
            text = decode_text(read_regular_file(path))
        except OSError as error:
            raise ManifestError(path, f"cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise ManifestError(path, str(error)) from None
        audio = recording_named(path.parent, path.stem, ".wav")
        found = list(timed_subtitles(text))
        if not found:
            raise ManifestError(path, "has no subtitle")
        for subtitle in found:
            identity = piece_id(path.stem, subtitle.start, subtitle.end)
            where = f"{path}:{subtitle.number}"
            yield Found(
                where, identity, audio, subtitle.text, None, None, subtitle.start, subtitle.end
            )
