"""Who speaks when, as NIST's RTTM files have it."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from speechlstm.arguments import StrPath
from speechlstm.errors import DataError, quoted
from speechlstm.storage import read_text
from speechlstm.transcript.words import Word

PAUSE_SECONDS = 0.5  # a longer pause of a speaker ends a turn, as in NIST's evaluations
_NUM_FIELDS = 9  # a tenth, the lookahead of live systems, may be missing


@dataclass(frozen=True)
class Turn:
    """A stretch of speech of one speaker.

    Attributes:
        speaker: The name of the speaker.
        start: Seconds from the start of the recording.
        end: Seconds from the start of the recording.
    """

    speaker: str
    start: float
    end: float


def speaker_turns(words: Iterable[Word]) -> list[Turn]:
    """The turns of words whose speakers are known; a pause of PAUSE_SECONDS ends a turn.

    >>> speaker_turns([Word("yes", 0.1, 0.5, 0.9, speaker=1), Word("no", 0.7, 0.9, 0.9, speaker=1)])
    [Turn(speaker='speaker1', start=0.1, end=0.9)]
    """
    turns: list[Turn] = []
    for word in words:
        if word.speaker is None:
            continue
        name = f"speaker{word.speaker}"
        last = turns[-1] if turns else None
        if last and last.speaker == name and word.start - last.end <= PAUSE_SECONDS:
            turns[-1] = Turn(name, last.start, max(last.end, word.end))
        else:
            turns.append(Turn(name, word.start, word.end))
    return turns


def rttm_lines(file: str, turns: Sequence[Turn]) -> list[str]:
    """The line of each turn of a recording."""
    return [
        f"SPEAKER {file} 1 {turn.start:.3f} {round(turn.end, 3) - round(turn.start, 3):.3f} "
        f"<NA> <NA> {turn.speaker} <NA> <NA>"
        for turn in turns
    ]


def read_rttm(path: StrPath) -> dict[str, list[Turn]]:
    """The turns of each recording of an RTTM file; lines other than SPEAKER are passed over.

    Raises:
        DataError: The file cannot be read, a line is damaged, or there is no turn in it.
    """
    path = Path(path)
    try:
        lines = read_text(path).splitlines()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise DataError(f"{path}: {error}") from None
    recordings: dict[str, list[Turn]] = {}
    for number, line in enumerate(lines, start=1):
        fields = line.split()
        if not fields or fields[0] != "SPEAKER":
            continue
        try:
            turn = _turn(fields)
        except ValueError as error:
            raise DataError(f"{path}:{number}: {error}") from None
        recordings.setdefault(fields[1], []).append(turn)
    if not recordings:
        raise DataError(
            f"{path}: has no turn; each line of an RTTM file is SPEAKER FILE 1 START DURATION "
            "<NA> <NA> NAME <NA> <NA>"
        )
    return recordings


def _turn(fields: Sequence[str]) -> Turn:
    if len(fields) < _NUM_FIELDS:
        raise ValueError(f"has {len(fields)} fields; a turn has {_NUM_FIELDS} or 10")
    try:
        start, duration = float(fields[3]), float(fields[4])
    except ValueError:
        start = duration = math.nan
    if not (math.isfinite(start) and math.isfinite(duration) and start >= 0 and duration >= 0):
        times = quoted(" ".join(fields[3:5]))
        raise ValueError(f"start and duration must be seconds from 0 on, are {times}")
    return Turn(fields[7], start, start + duration)
