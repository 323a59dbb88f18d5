"""Reads the part of a recording that is to be explained."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from speechlstm.audio import MIN_SECONDS, Audio, read_segments
from speechlstm.errors import AudioError, DamagedAudioError

DEFAULT_SECONDS = 30.0  # from the start, of a longer recording
MAX_SECONDS = 60.0


class Window(NamedTuple):
    """A part of a recording.

    Attributes:
        start: Where it starts, in seconds.
        damage: What is lost of a damaged recording; None: nothing.
    """

    audio: Audio
    start: float
    is_all: bool
    damage: DamagedAudioError | None = None


def read_window(
    path: Path,
    sample_rate: int,
    start: float = 0.0,
    end: float | None = None,
    channel: int | None = None,
    raw_rate: int | None = None,
) -> Window:
    """Read a part of a recording. What comes after it is not decoded.

    >>> window = read_window(Path("data/samples/date.wav"), 16000, start=0.5, end=1.5)
    >>> window.audio.duration, window.is_all
    (1.0, False)

    Args:
        sample_rate: Of the result, in Hz.
        start: In seconds.
        end: In seconds; None: DEFAULT_SECONDS after start, or the end of the recording.
        channel, raw_rate: As in `read_audio`.

    Raises:
        AudioError: The recording cannot be decoded, or ends before start.
        ValueError: end is not after start, or more than MAX_SECONDS.
    """
    wanted = DEFAULT_SECONDS if end is None else end - start
    if not (start >= 0 and MIN_SECONDS <= wanted <= MAX_SECONDS + 1e-6):
        raise ValueError(
            f"a window must have {MIN_SECONDS:g} to {MAX_SECONDS:g} s, not {wanted:g} s"
        )
    first, last = (round(seconds * sample_rate) for seconds in (start, start + wanted))
    pieces: list[NDArray[np.float32]] = []
    place, damage = 0, None
    try:
        for _, segment in read_segments(path, sample_rate, channel=channel, raw_rate=raw_rate):
            samples = segment.samples
            pieces.append(samples[max(0, first - place) : max(0, last - place)])
            place += len(samples)
            if place > last:
                break
    except DamagedAudioError as error:
        damage = error
    found = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
    if len(found) < MIN_SECONDS * sample_rate:
        duration = place / sample_rate
        raise AudioError(path, f"has {duration:.2f} s; nothing to explain from {start:g} s on")
    is_all = first == 0 and place <= last
    return Window(Audio(found, sample_rate), first / sample_rate, is_all, damage)
