"""Requests to worker processes, and their answers."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from speechlstm.errors import DataError
from speechlstm.transcript import Transcript


class TooLongError(DataError):
    """A recording or stream is longer than the server takes."""


@dataclass(frozen=True)
class Model:
    """What clients may know of the recogniser.

    Attributes:
        language: The language in ISO 639-1; None: not known.
        sample_rate: In Hz, at which streams need no conversion.
    """

    name: str
    language: str | None
    sample_rate: int
    is_readable: bool


@dataclass(frozen=True)
class Describe:
    """Asks for the `Model`."""


@dataclass(frozen=True)
class OpenRecording:
    """Begins the transcription of a recording; the answer is None.

    Attributes:
        key: Names the recording in further requests.
        name: Names it in errors.
        hot_words: Phrases to prefer.
        hints: More of them; those that the alphabet cannot spell are left out.
    """

    key: int
    path: Path
    name: str
    max_seconds: float
    hot_words: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()


@dataclass(frozen=True)
class NextStep:
    """Transcribes the next segment of a recording; the answer is a `Step`."""

    key: int


@dataclass(frozen=True)
class Close:
    """Gives up a recording, or forgets one that is done; the answer is None."""

    key: int


@dataclass(frozen=True)
class Step:
    """What one step of a transcription brought.

    Attributes:
        transcript: Of the segment, with times from the start of the recording, or of all.
        is_last: Whether the transcript is that of the whole recording.
        damage: What has been lost of a damaged recording; None: nothing.
    """

    transcript: Transcript
    is_last: bool = False
    damage: str | None = None


@dataclass(frozen=True)
class OpenStream:
    """Begins a live stream; the answer is None.

    Attributes:
        key: Names the stream in further requests.
        sample_rate: In Hz.
        phrases: The only phrases that can be recognised, as in `Recognizer.load`; those that the
            alphabet cannot spell are left out. Empty: any text can be.
        formats: Formats of the command line in which the whole transcript is wanted at the end.
    """

    key: int
    sample_rate: float
    max_seconds: float
    phrases: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()


@dataclass(frozen=True)
class Feed:
    """Recognises the next part of a stream; the answer is a list of events, as plain JSON values.

    Attributes:
        pcm: Samples of 16 bits, little-endian.
    """

    key: int
    pcm: bytes


@dataclass(frozen=True)
class Finish:
    """Ends a stream; the answer is an `Ending`."""

    key: int


@dataclass(frozen=True)
class Ending:
    """The end of a stream.

    Attributes:
        events: The last events, as plain JSON values.
        formats: The whole transcript in the formats that were wanted.
    """

    events: list[dict[str, Any]]
    seconds: float
    formats: dict[str, str] = field(default_factory=dict)
