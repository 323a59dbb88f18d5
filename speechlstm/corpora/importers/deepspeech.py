"""The CSV format of DeepSpeech and Coqui STT: columns wav_filename, wav_filesize, transcript."""

import csv
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path

from speechlstm.audio import read_duration
from speechlstm.corpora.utterance import Utterance
from speechlstm.errors import AudioError, ManifestError
from speechlstm.storage import open_regular_file


def read_deepspeech_csv(path: Path) -> Iterator[tuple[int, Utterance | ManifestError]]:
    """Read the utterances of a CSV file; other columns than those named above are ignored.

    The format has no ids and no durations: the file name of a recording becomes the utterance's id,
    and its duration is read from its header.

    Yields:
        The line at which a row ends, and its utterance or an error.

    Raises:
        OSError: The file cannot be read.
    """
    with (
        open_regular_file(path) as binary,
        TextIOWrapper(binary, encoding="utf-8-sig", newline="") as file,
    ):
        rows = csv.DictReader(file)
        try:
            for row in rows:
                yield rows.line_num, _read_row(row, path, rows.line_num)
        except (UnicodeDecodeError, csv.Error) as error:
            yield rows.line_num + 1, ManifestError(path, f"is not a CSV file: {error}")


def _read_row(row: dict[str, str | None], path: Path, line: int) -> Utterance | ManifestError:
    audio, text = row.get("wav_filename"), row.get("transcript")
    if not audio or text is None:
        reason = "needs the columns wav_filename and transcript, which the file's first line names"
        return ManifestError(path, reason, line)
    try:
        duration = read_duration(path.parent / audio)
    except AudioError:  # the error is reported when the recording is decoded
        duration = 0.0
    return Utterance(audio, audio, duration, text)
