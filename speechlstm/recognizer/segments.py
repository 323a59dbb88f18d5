"""From the segments of a recording to one transcript."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from speechlstm.audio import Audio
from speechlstm.decoding.joining import JoinedHypotheses
from speechlstm.diarization import Window
from speechlstm.transcript import Hypothesis, Transcript

Segments = Iterable[tuple[float, Audio]]  # (start in seconds, waveform); see audio.read_segments


@dataclass(frozen=True)
class RecognizedSegment:
    """What is found out about a segment.

    Attributes:
        hypotheses: The best one first, at least one.
        windows: The voices in it, if speakers are to be told apart; times count from its start.
    """

    hypotheses: Sequence[Hypothesis]
    windows: Sequence[Window] = ()


class SegmentRecognizer(Protocol):
    """What is needed of a recogniser to transcribe segments: `Recognizer` has it."""

    @property
    def is_calibrated(self) -> bool:
        """Whether the words' confidences are calibrated."""

    @property
    def sample_rate(self) -> int:
        """The sample rate of the segments, in Hz."""

    def recognize_segment(self, audio: Audio) -> RecognizedSegment:
        """The hypotheses for a segment and, if they are wanted, the voices in it."""

    def with_tokens(self, transcript: Transcript) -> Transcript:
        """The transcript with readable text, if that is wanted."""

    def with_speakers(self, transcript: Transcript, windows: Sequence[Window]) -> Transcript:
        """The transcript with the speakers of its words, if that is wanted."""


def joined(segments: Iterable[tuple[float, Sequence[Hypothesis]]]) -> tuple[Hypothesis, ...]:
    """The hypotheses of a recording, the best one first, from those of its segments.

    Args:
        segments: The start of each segment in seconds, and its hypotheses, at least one.
    """
    whole = JoinedHypotheses()
    for start, hypotheses in segments:
        whole.add(start, hypotheses)
    return whole.best()


class SegmentedTranscript:
    """The transcript of a recording, or of one of its channels, from its segments.

    Args:
        recognizer: Tells speakers apart, and writes readable text.
    """

    def __init__(self, recognizer: SegmentRecognizer) -> None:
        self._recognizer = recognizer
        self._joined = JoinedHypotheses()
        self._windows: list[Window] = []
        self._seconds = 0.0

    def add(self, start: float, end: float, segment: RecognizedSegment) -> None:
        """Add the next segment, with its start and end in seconds."""
        self._joined.add(start, segment.hypotheses)
        self._windows += (window.later(start) for window in segment.windows)
        self._seconds = end

    def whole(self, lost: tuple[tuple[float, float], ...] = ()) -> Transcript:
        """The transcript of all segments.

        Args:
            lost: What is missing from a damaged recording, as in Transcript.
        """
        is_calibrated = self._recognizer.is_calibrated
        transcript = Transcript(self._joined.best(), self._seconds, is_calibrated, lost)
        labelled = self._recognizer.with_speakers(transcript, self._windows)
        return self._recognizer.with_tokens(labelled)


def transcribe_segments(recognizer: SegmentRecognizer, segments: Segments) -> Transcript:
    """Transcribe the segments of a recording, one after the other in this process.

    Args:
        recognizer: Recognises each.
        segments: At the sample rate of the recogniser.
    """
    transcript = SegmentedTranscript(recognizer)
    for start, audio in segments:
        transcript.add(start, start + audio.duration, recognizer.recognize_segment(audio))
    return transcript.whole()
