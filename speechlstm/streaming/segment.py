"""The segment of a stream that is being spoken: the network's output for it, and its words."""

from abc import ABC, abstractmethod
from dataclasses import replace

import numpy as np

from speechlstm.acoustic import AcousticModel
from speechlstm.audio import Audio
from speechlstm.audio.activity import SpeechDetector
from speechlstm.audio.levels import level_changes
from speechlstm.audio.segments import quietest
from speechlstm.decoding.decoder import Decoder
from speechlstm.decoding.plausibility import plausible
from speechlstm.streaming.buffer import SampleBuffer
from speechlstm.text.alphabet import BLANK
from speechlstm.transcript import Hypothesis

# How far the output of a frame depends on what is around it, measured with the English model on
# LibriSpeech by scripts/benchmarks/stream_context.py: with less than 0.1 s after it, the best label
# differs from that of the whole recording in 36 to 50 % of frames, with 0.2 to 0.3 s in 14 to 26 %,
# with 0.5 to 1 s in 3 to 10 %, with more than 1.5 s in 1 to 4 %. Before it, the same. The rest
# depends on the length of the window, by whose mean and variance the features are normalised: in
# one of 3 s, it is 4 to 6 %.
LOOK_AHEAD_SECONDS = 0.5  # outputs further back are kept for previews
LEFT_CONTEXT_SECONDS = 1.5  # of previews
CONTEXT_SECONDS = 7.0  # the least that final words are computed from, also before the segment
SETTLING_SECONDS = 4.0  # outputs further back are kept for final words
_PAUSE_SECONDS = 0.15  # the least before which outputs are settled; half of it is look-ahead


class OpenSegment(ABC):
    """A segment from its start to the last sample that has been processed.

    Args:
        start: The first sample of the segment.
        rejects: Whether words recognised in sounds that are not speech are dropped.

    Attributes:
        end: The sample before which the segment has been processed.
        speech_end: The sample at which the last label ends; the start if there is none.
    """

    def __init__(
        self,
        model: AcousticModel,
        decoder: Decoder,
        buffer: SampleBuffer,
        start: int,
        rejects: bool,
    ) -> None:
        self._model, self._decoder, self._buffer, self._rejects = model, decoder, buffer, rejects
        self._rate = model.sample_rate
        self._hop = round(model.frame_seconds * self._rate)
        self._decoding = decoder.incremental()
        self._outputs = np.empty((0, model.alphabet.num_labels), np.float32)
        self._num_drafted = 0  # the first frames, which do not change until settle is called
        self.start = self.end = self.speech_end = start
        # Kept, since it takes time: the answer of ends_within_phrase, and for which samples it is.
        self._phrase_checked, self._ends_within_phrase = (start, start), False
        self._begin()

    @abstractmethod
    def _begin(self) -> None:
        """Set up what the kind of segment needs."""

    @property
    def seconds(self) -> float:
        """How much has been processed."""
        return (self.end - self.start) / self._rate

    @property
    @abstractmethod
    def is_settled(self) -> bool:
        """Whether the output for the final words of what has been processed is complete."""

    @abstractmethod
    def process(self, end: int) -> None:
        """Compute the output for the samples before `end`, as far as previews need it."""

    @abstractmethod
    def settle(self, end: int, cut: int | None = None) -> None:
        """Compute the output for the samples before `end`, as far as final words need it.

        Args:
            end: As in process.
            cut: The sample before which the segment is to end; None: not known.
        """

    @abstractmethod
    def best_cut(self, limit: int) -> int:
        """The sample at which it is cut best if it is too long.

        Args:
            limit: The largest number of samples of a segment; it is longer than that.
        """

    @abstractmethod
    def following(self, start: int) -> "OpenSegment":
        """The segment that begins where this one is to end: at the `end` of decode."""

    def preview(self) -> Hypothesis:
        """The words so far, with times from the start of the stream."""
        hypothesis = self._decoding.preview(self._outputs, self.seconds, self._num_drafted)
        return self._possible([hypothesis])[0]

    def decode(self, end: int) -> list[Hypothesis]:
        """The hypotheses for the samples before `end`, with times from the start of the stream.

        Args:
            end: The `cut` of `settle`, or the `end` of its last call.
        """
        self.end = end
        num_frames = round((end - self.start) / self._hop)
        hypotheses = self._decoding.decode(self._outputs[:num_frames], self.seconds)
        return self._possible(hypotheses)

    def ends_within_phrase(self) -> bool:
        """Whether what has been processed ends with the first words of a phrase."""
        processed = self.start, self.end
        if self._phrase_checked != processed:
            self._phrase_checked = processed
            self._ends_within_phrase = self._decoding.ends_within_phrase(self._outputs)
        return self._ends_within_phrase

    def _possible(self, hypotheses: list[Hypothesis]) -> list[Hypothesis]:
        if self._rejects and any(hypothesis.words for hypothesis in hypotheses):
            samples = self._buffer.read(self.start, self.end)
            detector = SpeechDetector(samples, self._rate)
            possible = detector.is_speech_possible
            hypotheses = plausible(hypotheses, possible, self._decoder.units)
        return [_shifted(hypothesis, self.start / self._rate) for hypothesis in hypotheses]

    def _find_speech_end(self) -> None:
        frames = np.flatnonzero(self._outputs.argmax(axis=1) != BLANK)
        last = self.start + (int(frames[-1]) + 1) * self._hop if frames.size else self.start
        self.speech_end = min(last, self.end)


class RecomputedSegment(OpenSegment):
    """A segment of a bidirectional network, whose outputs change while speech goes on.

    `process` runs the network on the last seconds only, for previews, and keeps outputs that are
    further back than the look-ahead. `settle`, called in pauses, runs it on the whole segment: what
    comes after a pause hardly changes the outputs before it, from which the final words are found.
    The search continues from where it stood when outputs were still to change.
    """

    def _begin(self) -> None:
        frame_seconds = self._model.frame_seconds
        self._settling = round(SETTLING_SECONDS / frame_seconds)
        self._look_ahead = round(LOOK_AHEAD_SECONDS / frame_seconds)
        self._left_context = round(LEFT_CONTEXT_SECONDS / frame_seconds)
        self._num_settled = 0  # the first frames
        self._whole_end = self.start
        self._pause = self.start  # the middle of the last pause in which it was settled

    @property
    def is_settled(self) -> bool:
        """Whether `settle` has been called since the last label."""
        return self.speech_end <= self._whole_end

    def process(self, end: int) -> None:
        """Compute the output for the last samples before `end`, further back it is kept."""
        self._update(self._num_drafted - self._left_context, end)
        self._num_drafted = max(self._num_drafted, len(self._outputs) - self._look_ahead)

    def settle(self, end: int, cut: int | None = None) -> None:
        """Compute the output for the samples before `end` from the whole: see OpenSegment."""
        self._num_drafted = self._num_settled
        self._update(self._first_of_context(end), end)
        last = len(self._outputs) if cut is None else round((cut - self.start) / self._hop)
        if end - self.speech_end >= _PAUSE_SECONDS * self._rate:
            middle = (self.speech_end + end) // 2 - self.start
            self._pause = self.start + middle // self._hop * self._hop  # a cut moves no frame
            number = min(last, len(self._outputs) - self._settling)
            self._num_settled = max(self._num_settled, number)
        number = min(last, len(self._outputs) - self._look_ahead)
        self._num_drafted = max(self._num_settled, number)
        self._decoding.settle(self._outputs, self._num_settled, self._num_drafted)
        self._whole_end = end

    def best_cut(self, limit: int) -> int:
        """Its last pause, or else its quietest place: see OpenSegment."""
        if self._pause - self.start >= limit // 2:
            return self._pause
        samples = self._buffer.read(self.start, self.start + limit)
        return self.start + quietest(samples, self._rate)

    def following(self, start: int) -> OpenSegment:
        """See OpenSegment."""
        return RecomputedSegment(self._model, self._decoder, self._buffer, start, self._rejects)

    def _first_of_context(self, end: int) -> int:
        """The frame, 0 or before the segment, from which on the network processes a segment.

        What is much louder or quieter than the segment is no context: see level_changes.
        """
        start = max(self._buffer.start, end - round(CONTEXT_SECONDS * self._rate))
        if start >= self.start:
            return 0
        changes = level_changes(self._buffer.read(start, end), self._rate)
        start += max((c for c in changes if start + c <= self.start), default=0)
        return -((self.start - start) // self._hop)

    def _update(self, first: int, end: int) -> None:
        """Run the network on the frames from `first` on; those that are drafted are kept."""
        first = max(first, -((self.start - self._buffer.start) // self._hop))
        samples = self._buffer.read(self.start + first * self._hop, end)
        outputs = self._model.log_probs(Audio(samples, self._rate))
        kept = self._outputs[: self._num_drafted]
        self._outputs = np.concatenate((kept, outputs[self._num_drafted - first :]))
        self.end = end
        self._find_speech_end()


def _shifted(hypothesis: Hypothesis, seconds: float) -> Hypothesis:
    words = (replace(w, start=w.start + seconds, end=w.end + seconds) for w in hypothesis.words)
    return replace(hypothesis, words=tuple(words))
