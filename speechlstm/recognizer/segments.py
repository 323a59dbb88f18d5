"""From the segments of a recording to one transcript."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from speechlstm.audio import Audio
from speechlstm.decoding.joining import JoinedHypotheses
from speechlstm.transcript import Hypothesis, Transcript

Segments = Iterable[tuple[float, Audio]]  # (start in seconds, waveform); see audio.read_segments


class SegmentRecognizer(Protocol):
    """What is needed of a recogniser to transcribe segments: `Recognizer` has it."""

    @property
    def is_calibrated(self) -> bool:
        """Whether the words' confidences are calibrated."""

    @property
    def sample_rate(self) -> int:
        """The sample rate of the segments, in Hz."""

    def hypotheses(self, audio: Audio) -> list[Hypothesis]:
        """The hypotheses for a segment, the best one first, at least one."""

    def with_tokens(self, transcript: Transcript) -> Transcript:
        """The transcript with readable text, if that is wanted."""


def joined(segments: Iterable[tuple[float, Sequence[Hypothesis]]]) -> tuple[Hypothesis, ...]:
    """The hypotheses of a recording, the best one first, from those of its segments.

    Args:
        segments: The start of each segment in seconds, and its hypotheses, at least one.
    """
    whole = JoinedHypotheses()
    for start, hypotheses in segments:
        whole.add(start, hypotheses)
    return whole.best()


def transcribe_segments(recognizer: SegmentRecognizer, segments: Segments) -> Transcript:
    """Transcribe the segments of a recording, one after the other in this process.

    Args:
        recognizer: Recognises each.
        segments: At the sample rate of the recogniser.
    """
    results, duration = [], 0.0
    for start, audio in segments:
        results.append((start, recognizer.hypotheses(audio)))
        duration = start + audio.duration
    return recognizer.with_tokens(Transcript(joined(results), duration, recognizer.is_calibrated))
