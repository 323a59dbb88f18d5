"""The events of a stream: the words of a segment that is being spoken, and its final words."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any

from speechlstm.decoding.joining import join_segments
from speechlstm.transcript import Hypothesis, Token, Transcript, Word
from speechlstm.transcript.formats import to_dict


@dataclass(frozen=True)
class Partial:
    """The words of a segment that is still being spoken. Later ones may change them.

    >>> Partial(1, (Word("good", 0.5, 0.8, 0.9),), 0.2, 1.0).text
    'good'

    Attributes:
        segment: The number of the segment, from 1.
        words: Its words so far; none if what seemed to be a word was none. Times are in seconds
            from the start of the stream.
        start: The start of the segment, in seconds from the start of the stream.
        end: How far the stream has been processed, in the same way.
    """

    segment: int
    words: tuple[Word, ...]
    start: float
    end: float

    @property
    def text(self) -> str:
        """The words, joined by spaces."""
        return " ".join(word.text for word in self.words)

    def to_dict(self) -> dict[str, Any]:
        """The event as plain JSON values; times are in seconds.

        >>> Partial(1, (Word("good", 0.5, 0.8, 0.9),), 0.2, 1.0).to_dict()["type"]
        'partial'
        """
        return _to_dict("partial", self, self.transcript)

    @property
    def transcript(self) -> Transcript:
        """The words as a transcript."""
        return Transcript((Hypothesis(self.text, self.words, 0.0),), self.end)


@dataclass(frozen=True)
class Final:
    """The words of a segment that has ended, by a pause or after 20 s. They do not change.

    Attributes:
        segment: The number of the segment, from 1. Each has one final event.
        hypotheses: At least one, the best one first; without words if what seemed to be speech was
            none. Times are in seconds from the start of the stream.
        start: The start of the segment, in seconds from the start of the stream.
        end: Its end, in the same way.
        is_calibrated: As in `Transcript`.
        tokens: The words of the best hypothesis as readable text; None: none was made.
    """

    segment: int
    hypotheses: tuple[Hypothesis, ...]
    start: float
    end: float
    is_calibrated: bool = False
    tokens: tuple[Token, ...] | None = None

    @property
    def words(self) -> tuple[Word, ...]:
        """The words of the best hypothesis."""
        return self.hypotheses[0].words

    @property
    def text(self) -> str:
        """The text of the best hypothesis."""
        return self.hypotheses[0].text

    @property
    def readable(self) -> str:
        """The words with capitals, punctuation and figures, if that was asked for, or the text."""
        return self.transcript.readable

    @property
    def transcript(self) -> Transcript:
        """The segment as a transcript, with times from the start of the stream."""
        return join_finals([self], self.end)

    def to_dict(self) -> dict[str, Any]:
        """The event as plain JSON values; times are in seconds.

        The keys besides type, segment, start and end are those of a transcript; see
        `speechlstm.transcript.formats.to_dict`.

        >>> Final(1, (Hypothesis("", (), 0.0),), 0.2, 1.0).to_dict()["type"]
        'final'
        """
        return _to_dict("final", self, self.transcript)


Event = Partial | Final


def join_finals(finals: Iterable[Final], duration: float) -> Transcript:
    """The transcript of a stream.

    >>> final = Final(1, (Hypothesis("yes", (Word("yes", 0.1, 0.4, 0.9),), -1.0),), 0.0, 0.7)
    >>> join_finals([final], 1.0).text
    'yes'

    Args:
        finals: Its final events, in their order.
        duration: Of the stream, in seconds.
    """
    finals = list(finals)
    written = [final.tokens for final in finals if final.tokens is not None]
    return Transcript(
        join_segments((0.0, final.hypotheses) for final in finals),  # their times are of the stream
        duration,
        bool(finals) and finals[-1].is_calibrated,
        tokens=tuple(chain(*written)) if written else None,
    )


def _to_dict(kind: str, event: Event, transcript: Transcript) -> dict[str, Any]:
    times = {"start": round(event.start, 3), "end": round(event.end, 3)}
    values = to_dict(transcript)
    if kind == "partial":
        values = {key: values[key] for key in ("text", "words")}
    values.pop("duration", None)
    return {"type": kind, "segment": event.segment} | times | values
