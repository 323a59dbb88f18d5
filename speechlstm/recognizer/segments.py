"""Recognises the segments of a recording, and joins them to one transcript."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from speechlstm.acoustic import AcousticModel
from speechlstm.audio import Audio
from speechlstm.audio.activity import SpeechDetector
from speechlstm.decoding.decoder import Decoder, GreedyDecoder
from speechlstm.decoding.joining import JoinedHypotheses
from speechlstm.decoding.plausibility import plausible
from speechlstm.diarization import Diarizer, Window
from speechlstm.transcript import Hypothesis, Transcript

if TYPE_CHECKING:
    from speechlstm.readable.writer import ReadableWriter

Segments = Iterable[tuple[float, Audio]]  # (start in seconds, waveform); see audio.read_segments


@dataclass(frozen=True)
class RecognizedSegment:
    """What has been recognised in a segment.

    Attributes:
        hypotheses: The best one first, at least one.
        windows: The voices in it, if speakers are to be told apart; times count from its start.
    """

    hypotheses: Sequence[Hypothesis]
    windows: Sequence[Window] = ()


class SegmentRecognizer:
    """Recognises segments by an acoustic model and a decoder.

    Args:
        model: Computes the log-probabilities of labels, frame by frame.
        decoder: Finds the text in them; None: greedy decoding (the most probable label of each
            frame).
        reject_non_speech: Whether to drop words recognised in tones, hum or noise (see
            `speechlstm.audio.activity`) and words of an impossible length or confidence (see
            `speechlstm.decoding.plausibility`).
        writer: Makes readable text of the words; None: transcripts have words only.
        diarizer: Tells speakers apart; None: words have no speakers.
    """

    def __init__(
        self,
        model: AcousticModel,
        decoder: Decoder | None = None,
        *,
        reject_non_speech: bool = True,
        writer: "ReadableWriter | None" = None,
        diarizer: Diarizer | None = None,
    ) -> None:
        self.model, self.reject_non_speech, self.writer = model, reject_non_speech, writer
        self.diarizer = diarizer
        self.decoder = decoder or GreedyDecoder(model.alphabet, model.frame_seconds)

    @property
    def sample_rate(self) -> int:
        """The sample rate that the network expects, in Hz."""
        return self.model.sample_rate

    @property
    def is_calibrated(self) -> bool:
        """Whether the words' confidences are calibrated."""
        return self.decoder.is_calibrated

    def hypotheses(self, audio: Audio) -> list[Hypothesis]:
        """The hypotheses for a segment, of at most 20 s at the network's sample rate."""
        hypotheses = self.decoder.decode(self.model.log_probs(audio), audio.duration)
        if not (self.reject_non_speech and any(h.words for h in hypotheses)):
            return hypotheses
        detector = SpeechDetector(audio.samples, audio.sample_rate)
        return plausible(hypotheses, detector.is_speech_possible, self.decoder.units)

    def recognize_segment(self, audio: Audio) -> RecognizedSegment:
        """The hypotheses for a segment and, if there is a diarizer, the voices in it."""
        hypotheses = self.hypotheses(audio)
        windows = self.diarizer.windows(audio, hypotheses[0].words) if self.diarizer else ()
        return RecognizedSegment(hypotheses, windows)

    def with_speakers(self, transcript: Transcript, windows: Sequence[Window]) -> Transcript:
        """The transcript with the speakers of its words, if there is a diarizer."""
        if not self.diarizer:
            return transcript
        best, *_ = transcript.hypotheses
        words = self.diarizer.with_speakers(best.words, windows)
        # Other hypotheses would need speakers of their own.
        return replace(transcript, hypotheses=(replace(best, words=words),))

    def with_tokens(self, transcript: Transcript) -> Transcript:
        """The transcript with readable text, if there is a writer."""
        if not self.writer:
            return transcript
        turns = transcript.turns if transcript.has_speakers else (transcript.words,)
        tokens = [token for turn in turns for token in self.writer.tokens(turn)]
        return replace(transcript, tokens=tuple(tokens))


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
        segments: At the sample rate of the recogniser.
    """
    transcript = SegmentedTranscript(recognizer)
    for start, audio in segments:
        transcript.add(start, start + audio.duration, recognizer.recognize_segment(audio))
    return transcript.whole()
