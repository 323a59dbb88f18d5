"""The CSV of DeepSpeech and Coqui STT: columns wav_filename, wav_filesize, transcript."""

import csv
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path

from speechlstm.audio import read_duration
from speechlstm.corpora.utterance import Utterance
from speechlstm.errors import AudioError, ManifestError
from speechlstm.storage import open_regular_file


def read_deepspeech_csv(path: Path) -> Iterator[tuple[int, Utterance | ManifestError]]:
    """The utterances of such a file; other columns than those named are passed over.

    The file name of a recording is the utterance's id too, and its duration is read from its
    header, as the format has neither.

    Yields:
        The line at which a row ends, and its utterance or what is wrong with it.

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
            yield rows.line_num + 1, ManifestError(path, f"is no CSV file: {error}")


def _read_row(row: dict[str, str | None], path: Path, line: int) -> Utterance | ManifestError:
    audio, text = row.get("wav_filename"), row.get("transcript")
    if not audio or text is None:
        reason = "needs wav_filename and transcript, as the file's first line does"
        return ManifestError(path, reason, line)
    try:
        duration = read_duration(path.parent / audio)
    except AudioError:  # whoever decodes it learns why it cannot be read
        duration = 0.0
    return Utterance(audio, audio, duration, text)
