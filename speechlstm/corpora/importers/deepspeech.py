"""The CSV format of DeepSpeech and Coqui STT: columns wav_filename, wav_filesize, transcript."""

from collections.abc import Iterator
from pathlib import Path

from speechlstm.audio import read_duration
from speechlstm.corpora.importers.found import Found, first_existing, has_columns, table
from speechlstm.corpora.utterance import Utterance
from speechlstm.errors import AudioError, ManifestError

LOOKED_FOR = "a .csv file with the columns wav_filename and transcript"
_COLUMNS = ("wav_filename", "transcript")


def is_deepspeech(source: Path) -> bool:
    """Whether a file is such a table."""
    return source.suffix.lower() == ".csv" and has_columns(source, _COLUMNS)


def read_deepspeech(source: Path) -> Iterator[Found | ManifestError]:
    """The rows of a CSV file; other columns than those named above are ignored.

    The format has no ids: the file name of a recording becomes the utterance's id.

    Raises:
        ManifestError: The file cannot be read or lacks a column.
    """
    for line, row in table(source, _COLUMNS):
        if isinstance(row, ManifestError):
            yield row
        elif not row["wav_filename"]:
            yield ManifestError(source, "has no wav_filename", line)
        else:
            audio = first_existing(row["wav_filename"], [source.parent])
            yield Found(f"{source}:{line}", row["wav_filename"], audio, row["transcript"])


def read_deepspeech_csv(path: Path) -> Iterator[tuple[int, Utterance | ManifestError]]:
    """The utterances of a CSV file that is read in place of a manifest.

    Durations are read from the recordings' headers.

    Yields:
        The line at which a row ends, and its utterance or an error.
    """
    try:
        for found in read_deepspeech(path):
            if isinstance(found, ManifestError):
                yield found.line or 0, found
                continue
            try:
                duration = read_duration(found.audio)
            except AudioError:  # the error is reported when the recording is decoded
                duration = 0.0
            line = int(found.where.rpartition(":")[2])
            is_named = found.audio == path.parent / found.id
            audio = found.id if is_named else found.id.replace("\\", "/")
            yield line, Utterance(found.id, audio, duration, found.text)
    except ManifestError as error:
        yield error.line or 1, error
