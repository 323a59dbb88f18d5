"""`Stream`: recognises speech while it is spoken."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from speechlstm.acoustic import AcousticModel
from speechlstm.arguments import check_argument
from speechlstm.audio import MIN_SECONDS
from speechlstm.decoding.decoder import Decoder
from speechlstm.errors import ConfigError, DataError
from speechlstm.streaming.buffer import SampleBuffer
from speechlstm.streaming.events import Event, Final, Partial
from speechlstm.streaming.incremental import IncrementalSegment
from speechlstm.streaming.input import InputConverter
from speechlstm.streaming.loudness import Loudness
from speechlstm.streaming.segment import CONTEXT_SECONDS, OpenSegment, RecomputedSegment

if TYPE_CHECKING:
    from speechlstm.readable.writer import ReadableWriter

ENDPOINT_SECONDS = 0.6  # the default
MAX_SECONDS = 20.0  # of a segment, as in recordings
_STEP_SECONDS = 0.5  # between two runs of the network
_INCREMENTAL_STEP_SECONDS = 0.24  # the same of one that processes each sample once
_QUIET_STEP_SECONDS = 1.0  # the same while it is quiet: speech may be as quiet as the background
_PAUSE_SECONDS = 0.21  # after which a segment is settled; the closure of a stop is shorter
_LEAD_SECONDS = 0.5  # of silence that is kept before the first word of a segment
# Noise in which the network finds no labels is a pause if it is this many times as long as silence.
_NOISY_PAUSE = 1.5


class Stream:
    """Recognises speech block by block. `Recognizer.open_stream` makes one.

    A segment ends at a pause of endpoint_seconds, of twice that after the first words of a hot
    phrase or of one of a grammar, or after 20 s at its quietest place. Unlike a recording, it is
    not cut where its level changes: that is not known before seconds have passed. The events do not
    depend on the sizes of the blocks. A stream belongs to one thread at a time. A network with a
    streaming form processes each sample once; others are run again on the open segment.

    Args:
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
        check_argument("endpoint_seconds", endpoint_seconds, float)
        if not 0.2 <= endpoint_seconds <= MAX_SECONDS / 2:
            raise ConfigError(
                f"endpoint_seconds: must be in 0.2 to {MAX_SECONDS / 2:g}, is {endpoint_seconds}"
            )
        self._model, self._decoder, self._writer = model, decoder, writer
        self._rejects, self._endpoint_seconds = reject_non_speech, endpoint_seconds
        self._input = InputConverter(sample_rate, model.sample_rate)
        self._rate, self._buffer = model.sample_rate, SampleBuffer()
        self._lag = model.streaming.delay * model.frame_seconds if model.streaming else 0.0
        self._loudness = Loudness(model.sample_rate)
        self._num_pause = round(_PAUSE_SECONDS * model.sample_rate / self._loudness.window)
        self._position = 0  # up to which the buffer has been processed
        self._processed = 0  # up to which the network has run
        self._number = 1  # of the open segment
        self._shown: str | None = None  # the text of its last event; None: there was none
        self._open(0)
        self._is_finished = False

    @property
    def seconds(self) -> float:
        """The duration of the stream so far."""
        return self._input.seconds

    def feed(self, samples: ArrayLike) -> list[Event]:
        """Process the next block.

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
        self._buffer.append(self._input.converted(samples))
        return list(self._advanced())

    def finish(self) -> list[Event]:
        """End the stream.

        Returns:
            What is new; the last event is the final one of the open segment, if there is speech in
            it. After the first call: [].
        """
        if self._is_finished:
            return []
        self._is_finished = True
        self._buffer.append(self._input.rest())
        events = list(self._advanced())
        end = self._buffer.end
        if end - self._segment.start >= MIN_SECONDS * self._rate:
            self._segment.settle(end)
            events += self._closed(end)
        return events

    def _advanced(self) -> Iterator[Event]:
        """Process all whole windows, so that events do not depend on the sizes of blocks."""
        window = self._loudness.window
        while self._position + window <= self._buffer.end:
            self._position += window
            self._loudness.add(self._buffer.read(self._position - window, self._position))
            yield from self._listened()

    def _listened(self) -> Iterator[Event]:
        """Run the network if it is time to, and close the segment if it has ended."""
        quiet = self._loudness.quiet_seconds
        pauses = self._loudness.num_quiet == self._num_pause
        is_due = pauses or self._seconds(self._position - self._processed) >= self._step(quiet)
        if is_due:
            self._run_network(pauses)
            if self._shown is None and not self._has_labels():
                self._skip()
                return
        if self._has_ended():
            if not self._segment.is_settled:
                self._segment.settle(self._position)
            yield from self._closed(self._segment.end)
        elif self._segment.seconds > MAX_SECONDS:
            cut = self._segment.best_cut(round(MAX_SECONDS * self._rate))
            self._segment.settle(self._segment.end, cut)
            yield from self._closed(cut)
        elif is_due:
            yield from self._previewed()

    def _step(self, quiet: float) -> float:
        """The seconds between two runs of the network, after some seconds of quiet."""
        if self._lag and (quiet < _PAUSE_SECONDS or self._has_labels()):
            return _INCREMENTAL_STEP_SECONDS
        return _STEP_SECONDS if quiet < _PAUSE_SECONDS else _QUIET_STEP_SECONDS

    def _run_network(self, pauses: bool) -> None:
        """Run the network up to the present.

        Args:
            pauses: Whether a pause has begun, by its energy.
        """
        segment, now = self._segment, self._position
        self._processed = now
        if not pauses:
            segment.process(now)
            pauses = self._seconds(now - segment.speech_end) >= _PAUSE_SECONDS
            pauses = pauses and not segment.is_settled
        if pauses:
            segment.settle(now)

    def _has_labels(self) -> bool:
        return self._segment.speech_end > self._segment.start

    def _has_ended(self) -> bool:
        """Whether there is a pause of endpoint_seconds after the words of the segment."""
        if self._shown is None and not self._has_labels():
            return False
        quiet = self._loudness.quiet_seconds
        if self._seconds(self._position - self._processed) > quiet:
            return False  # there may be words in what has not been processed
        # A network that lags has not processed a pause before it ends: there may be a word in it.
        if quiet >= (self._endpoint_seconds if self._lag else _PAUSE_SECONDS):
            needed = self._endpoint_seconds
        else:
            needed = self._endpoint_seconds * _NOISY_PAUSE + self._lag
        silence = self._seconds(self._position - self._segment.speech_end)
        if silence < needed:
            return False
        # A pause within a phrase may be longer.
        waits = silence < needed + self._endpoint_seconds and self._segment.ends_within_phrase()
        return not waits

    def _skip(self) -> None:
        """Forget silence before the first word of a segment."""
        # A word begins up to twice the lag before its first label is known. No more silence than
        # that: running features, which are normalised by it, were trained with little.
        lead = max(_LEAD_SECONDS, 2 * self._lag)
        start = self._position - round(lead * self._rate)
        if start > self._segment.start:
            self._open(start)

    def _open(self, start: int) -> None:
        """Begin a segment after nothing."""
        kind = IncrementalSegment if self._model.streaming else RecomputedSegment
        self._begin(kind(self._model, self._decoder, self._buffer, start, self._rejects))

    def _begin(self, segment: OpenSegment) -> None:
        """Begin a segment."""
        self._buffer.forget(segment.start - round(CONTEXT_SECONDS * self._rate))
        self._segment = segment

    def _previewed(self) -> Iterator[Partial]:
        """The event with the words so far, if they have changed."""
        segment, hypothesis = self._segment, self._segment.preview()
        if hypothesis.text != (self._shown or ""):
            self._shown = hypothesis.text
            times = self._seconds(segment.start), self._seconds(segment.end)
            yield Partial(self._number, hypothesis.words, *times)

    def _closed(self, end: int) -> Iterator[Final]:
        """End the open segment, and begin the next one."""
        segment = self._segment
        following = segment.following(end)
        hypotheses = tuple(segment.decode(end))
        start, end = segment.start, segment.end
        self._begin(following)
        if not (self._shown is not None or any(h.words for h in hypotheses)):
            return
        number, self._number, self._shown = self._number, self._number + 1, None
        tokens = self._writer.tokens(hypotheses[0].words) if self._writer else None
        times = self._seconds(start), self._seconds(end)
        yield Final(number, hypotheses, *times, self._decoder.is_calibrated, tokens)

    def _seconds(self, num_samples: int) -> float:
        return num_samples / self._rate


def pulled(stream: Stream, blocks: Iterable[ArrayLike]) -> Iterator[Event]:
    """The events of a stream that is fed with blocks, and then finished.

    Raises:
        DataError: Of the blocks or of the stream, after the final event of what came before.
    """
    error: DataError | None = None
    try:
        for block in blocks:
            yield from stream.feed(block)
    except DataError as caught:
        error = caught
    yield from stream.finish()
    if error:
        raise error
