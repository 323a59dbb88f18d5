"""`Stream`: recognises speech while it is spoken."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from speechlstm.acoustic import AcousticModel
from speechlstm.audio import MIN_SECONDS, Audio
from speechlstm.audio.activity import SpeechDetector
from speechlstm.audio.segments import quietest
from speechlstm.decoding.decoder import Decoder
from speechlstm.decoding.plausibility import plausible
from speechlstm.errors import ConfigError
from speechlstm.streaming.events import Event, Final, Partial
from speechlstm.streaming.intake import Intake
from speechlstm.text.alphabet import BLANK
from speechlstm.transcript import Hypothesis

if TYPE_CHECKING:
    from speechlstm.readable.writer import ReadableWriter

ENDPOINT_SECONDS = 0.6
MAX_SECONDS = 20.0  # of a segment, as in recordings
_STEP_SECONDS = 0.5
_LEAD_SECONDS = 0.5  # of silence before the first word of a segment


class Stream:
    """Recognises speech block by block. `Recognizer.open_stream` makes one.

    A segment ends at a pause of endpoint_seconds, or after 20 s at its quietest place. The events
    do not depend on the sizes of the blocks. A stream belongs to one thread at a time.

    Args:
        model: Computes the log-probabilities of labels.
        decoder: Finds the words in them.
        sample_rate: Of the blocks, in Hz.
        endpoint_seconds: The pause that ends a segment, at least 0.2.
        reject_non_speech: As in `Recognizer`.
        writer: Makes readable text of final words; None: there are words only.

    Raises:
        ConfigError: endpoint_seconds is out of range.
        ValueError: The sample rate is not a whole number in 4,000 to 768,000.
    """

    def __init__(
        self,
        model: AcousticModel,
        decoder: Decoder,
        sample_rate: int,
        endpoint_seconds: float = ENDPOINT_SECONDS,
        *,
        reject_non_speech: bool = True,
        writer: "ReadableWriter | None" = None,
    ) -> None:
        if not 0.2 <= endpoint_seconds <= MAX_SECONDS / 2:
            raise ConfigError(
                f"endpoint_seconds: must be in 0.2 to {MAX_SECONDS / 2:g}, is {endpoint_seconds}"
            )
        self._model, self._decoder, self._writer = model, decoder, writer
        self._rejects, self._endpoint_seconds = reject_non_speech, endpoint_seconds
        self._intake = Intake(sample_rate, model.sample_rate)
        self._rate = model.sample_rate
        self._pending = np.empty(0, np.float32)  # from the start of the open segment on
        self._arrived: list[NDArray[np.float32]] = []  # what follows them
        self._num_arrived = 0  # samples
        self._start = 0  # of the open segment, in samples from the start of the stream
        self._heard = 0  # the number of pending samples that have been heard
        self._segment, self._shown = 1, ""
        self._is_finished = False

    @property
    def seconds(self) -> float:
        """The duration of the stream so far."""
        return self._intake.seconds

    def feed(self, samples: ArrayLike) -> list[Event]:
        """Hear the next block.

        Args:
            samples: (num_samples,) or (num_samples, num_channels), of any number and of the types
                that `Audio.from_array` takes, such as float32 with full scale 1, or int16.

        Returns:
            What is new: partial events, whose words may change, and final ones.

        Raises:
            DataError: The block has samples that are not finite or far beyond full scale; it is
                left out, and the stream can go on.
            ValueError: The array has another shape or type, or the stream is finished.
        """
        if self._is_finished:
            raise ValueError("the stream is finished; open another one")
        self._arrived.append(self._intake.converted(samples))
        self._num_arrived += len(self._arrived[-1])
        events: list[Event] = []
        step = round(_STEP_SECONDS * self._rate)
        while self._heard + step <= len(self._pending) + self._num_arrived:
            self._join()
            self._heard += step
            events += self._hear()
        return events

    def finish(self) -> list[Event]:
        """End the stream.

        Returns:
            The final event of the open segment, if there is speech in it. After the first call: [].
        """
        if self._is_finished:
            return []
        self._is_finished = True
        self._arrived.append(self._intake.rest())
        self._join()
        self._heard = len(self._pending)
        return list(self._close(self._heard))

    def _join(self) -> None:
        """Append what has arrived; done once for many small blocks."""
        self._pending = np.concatenate((self._pending, *self._arrived))
        self._arrived, self._num_arrived = [], 0

    def _hear(self) -> Iterator[Event]:
        """The events at the end of what has been heard of the open segment."""
        audio = Audio(self._pending[: self._heard], self._rate)
        log_probs = self._model.log_probs(audio)
        frames = np.flatnonzero(log_probs.argmax(axis=1) != BLANK)
        if not frames.size and not self._shown:
            self._drop(max(0, self._heard - round(_LEAD_SECONDS * self._rate)))
            return
        last = (frames[-1] + 1) * self._model.frame_seconds if frames.size else 0.0
        if audio.duration - last >= self._endpoint_seconds:
            yield from self._close(round((last + audio.duration) / 2 * self._rate))
            return
        limit = round(MAX_SECONDS * self._rate)
        if self._heard > limit:
            yield from self._close(quietest(self._pending[:limit], self._rate))
            return
        best = self._hypotheses(audio, log_probs)[0]
        if best.text and best.text != self._shown:
            self._shown = best.text
            start = self._start / self._rate
            yield Partial(self._segment, _shifted(best, start).words, start, start + audio.duration)

    def _close(self, end: int) -> Iterator[Final]:
        """End the open segment before sample `end` of it."""
        audio, start = Audio(self._pending[:end], self._rate), self._start / self._rate
        hypotheses = [Hypothesis("", (), 0.0)]
        if audio.duration >= MIN_SECONDS:
            hypotheses = self._hypotheses(audio, self._model.log_probs(audio))
        self._drop(end)
        if not (self._shown or any(h.words for h in hypotheses)):
            return
        shifted = tuple(_shifted(hypothesis, start) for hypothesis in hypotheses)
        tokens = self._writer.tokens(shifted[0].words) if self._writer else None
        number, self._segment, self._shown = self._segment, self._segment + 1, ""
        yield Final(
            number, shifted, start, start + audio.duration, self._decoder.is_calibrated, tokens
        )

    def _hypotheses(self, audio: Audio, log_probs: NDArray[np.float32]) -> list[Hypothesis]:
        hypotheses = self._decoder.decode(log_probs, audio.duration)
        if not (self._rejects and any(h.words for h in hypotheses)):
            return hypotheses
        detector = SpeechDetector(audio.samples, audio.sample_rate)
        return plausible(hypotheses, detector.is_speech_possible)

    def _drop(self, num_samples: int) -> None:
        """Forget the first samples that are kept."""
        self._pending = self._pending[num_samples:]
        self._start += num_samples
        self._heard -= num_samples


def _shifted(hypothesis: Hypothesis, seconds: float) -> Hypothesis:
    words = (replace(w, start=w.start + seconds, end=w.end + seconds) for w in hypothesis.words)
    return replace(hypothesis, words=tuple(words))
