"""A text of a file to be scored, and the lines of such files."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from speechlstm.errors import DataError
from speechlstm.storage import open_any, text_lines


@dataclass(frozen=True)
class TranscriptEntry:
    """One text of a file.

    Attributes:
        id: Identifies the utterance or the recording; None if the file has no ids.
        text: The reference or hypothesis; None for an entry of a manifest without a text.
        speaker: Identifies the speaker; None: not known.
        word_times: The middle of each word of the text in seconds; None: not known.
        ignored: Spans of the recording, in seconds, whose words are not scored.
        optional: The indices of the words of a reference that may be left out without an error.
    """

    id: str | None
    text: str | None
    speaker: str | None = None
    word_times: tuple[float, ...] | None = None
    ignored: tuple[tuple[float, float], ...] = ()
    optional: frozenset[int] = frozenset()


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a text with their numbers, from 1.

    Raises:
        DataError: The file cannot be read, or is no text.
    """
    number = 0
    try:
        with open_any(path) as file:
            for line in text_lines(file):
                number += 1
                yield number, line
    except ValueError as error:
        raise DataError(f"{path}:{number + 1}: {error}") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
