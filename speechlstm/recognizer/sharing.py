"""Transcribes recordings segment by segment; several processes share the segments.

This process reads the recordings, a little further than the work has come, and joins the results in
their order. So a single long recording uses all cores, its text does not depend on their number,
and memory does not grow with its length (except for its words).
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from speechlstm.arguments import accepts, plain
from speechlstm.audio import Audio, Piece, num_channels, read_segments
from speechlstm.decoding.joining import join_segments
from speechlstm.errors import ConfigError, DamagedAudioError, DataError, quoted
from speechlstm.parallel import map_in_processes
from speechlstm.recognizer.batch import Channels
from speechlstm.recognizer.segments import RecognizedSegment, SegmentedTranscript, SegmentRecognizer
from speechlstm.transcript import Transcript


@dataclass(frozen=True)
class Segment:
    """A segment of a recording, as it was recognised by itself.

    Attributes:
        start: Seconds from the start of the recording, or of its piece.
        end: In seconds, likewise.
        transcript: Of the segment; times count from the start of the recording, as does duration.
    """

    path: Path | Piece
    start: float
    end: float
    transcript: Transcript


OnSegment = Callable[[Segment], None]


@dataclass(frozen=True)
class _Work:
    """What is sent to a process.

    Attributes:
        path: Names the recording in messages.
        audio: A segment; None: the channel has ended, and there is nothing to do.
    """

    path: Path | Piece
    audio: Audio | None = None


@dataclass(frozen=True)
class _Place:
    """Where a result belongs.

    Attributes:
        channel: The number of the channel, if they are transcribed separately.
        start: Of the segment, in seconds.
        end: Of the segment, in seconds.
        is_end: Whether this is not a segment, but the end of the channel.
        is_last: Whether it is also the end of the recording.
        error: Why the channel cannot be read, or not completely.
    """

    path: Path | Piece
    channel: int | None = None
    start: float = 0.0
    end: float = 0.0
    is_end: bool = False
    is_last: bool = False
    error: DataError | None = None


def transcribe_in_segments(
    recognizer: SegmentRecognizer,
    load_again: Callable[[], SegmentRecognizer] | None,
    paths: Iterable[Path | Piece],
    channels: Channels,
    raw_rate: int | None,
    jobs: int = 1,
    on_segment: OnSegment | None = None,
) -> Iterator[Transcript | DataError]:
    """Transcribe recordings; yield the transcript of each, or its error, in the order of the paths.

    Args:
        load_again: Returns an equal one; it is called once in each other process, so it must be
            picklable. None: jobs must be 1.
        channels, raw_rate: As in `Recognizer.transcribe_file`.
        jobs: The largest number of processes; see map_in_processes.
        on_segment: Called with each segment that is done, in their order.

    Raises:
        ConfigError, ValueError: As in `Recognizer.transcribe_files`, at once.
    """
    jobs, channels = plain(jobs), plain(channels)
    if not accepts(int, jobs) or jobs < 1:
        raise ConfigError(f"jobs: must be a whole number of at least 1, is {quoted(jobs)}")
    if jobs > 1 and load_again is None:
        raise ConfigError("jobs: must be 1 for a recogniser that Recognizer.load has not made")
    if not (on_segment is None or callable(on_segment)):
        raise ConfigError(f"on_segment: must be a function or None, is {quoted(on_segment)}")
    if not (accepts(Literal["mix", "separate"], channels) or accepts(int, channels)):
        raise ValueError(
            f'channels must be "mix", "separate" or a number from 1, is {quoted(channels)}'
        )
    places: deque[_Place] = deque()  # of what has been sent to the processes
    works = _works(paths, recognizer.sample_rate, channels, raw_rate, places)
    segments = map_in_processes(_Recognition(recognizer, load_again), works, jobs)
    return _joined(recognizer, segments, places, channels == "separate", on_segment)


def raising(results: Iterable[Transcript | DataError]) -> Iterator[Transcript]:
    """The transcripts, up to the first error, which is raised."""
    for result in results:
        if isinstance(result, DataError):
            raise result
        yield result


def _joined(
    recognizer: SegmentRecognizer,
    segments: Iterable[RecognizedSegment | None],
    places: deque[_Place],
    separate: bool,
    on_segment: OnSegment | None,
) -> Iterator[Transcript | DataError]:
    """The result of each recording: segments belong to the places, None is the end of a channel."""
    current = _Recording(recognizer)
    for segment in segments:
        place = places.popleft()
        if segment is not None:
            current.add(place, segment)
            if on_segment:
                on_segment(_segment(recognizer, place, segment))
            continue
        current.end_channel(place)
        if place.is_last:
            yield current.result(separate)
            current = _Recording(recognizer)


class _Recognition:
    """Returns the function that recognises segments. Unpickled, it loads the recogniser anew."""

    def __init__(
        self, recognizer: SegmentRecognizer, load_again: Callable[[], SegmentRecognizer] | None
    ) -> None:
        self._recognizer, self._load_again = recognizer, load_again

    def __call__(self) -> Callable[[_Work], RecognizedSegment | None]:
        return partial(_recognized, self._recognizer)

    def __reduce__(self) -> tuple[Any, ...]:
        return partial, (_loaded, self._load_again)


def _loaded(load: Callable[[], SegmentRecognizer]) -> Callable[[_Work], RecognizedSegment | None]:
    return partial(_recognized, load())


def _recognized(recognizer: SegmentRecognizer, work: _Work) -> RecognizedSegment | None:
    return recognizer.recognize_segment(work.audio) if work.audio else None


def _works(
    paths: Iterable[Path | Piece],
    sample_rate: int,
    channels: Channels,
    raw_rate: int | None,
    places: deque[_Place],
) -> Iterator[_Work]:
    """The segments of the recordings, and the end of each channel; places says where they belong.

    Errors are noted in the places, so that they are reported when their turn comes.
    """
    for path in paths:
        try:
            numbers = _channels_to_read(path, channels, raw_rate)
        except DataError as unreadable:
            places.append(_Place(path, is_end=True, is_last=True, error=unreadable))
            yield _Work(path)
            continue
        for number in numbers:
            place = _Place(path, number if channels == "separate" else None)
            error: DataError | None = None
            try:
                for start, audio in read_segments(
                    path, sample_rate, channel=number, raw_rate=raw_rate
                ):
                    places.append(replace(place, start=start, end=start + audio.duration))
                    yield _Work(path, audio)
            except DataError as raised:
                error = raised
            is_lost = error is not None and not isinstance(error, DamagedAudioError)
            is_last = is_lost or number == numbers[-1]
            places.append(replace(place, is_end=True, is_last=is_last, error=error))
            yield _Work(path)
            if is_lost:
                break


def _channels_to_read(
    path: Path | Piece, channels: Channels, raw_rate: int | None
) -> Sequence[int | None]:
    """The numbers of the channels to read one after the other; None: the mean of all."""
    if channels == "separate":
        return range(1, 2 if raw_rate else num_channels(path) + 1)
    return [None if isinstance(channels, str) else channels]


def _segment(recognizer: SegmentRecognizer, place: _Place, segment: RecognizedSegment) -> Segment:
    best, *_ = join_segments([(place.start, segment.hypotheses[:1])])
    if place.channel:
        words = tuple(replace(word, channel=place.channel) for word in best.words)
        best = replace(best, words=words)
    transcript = recognizer.with_tokens(Transcript((best,), place.end, recognizer.is_calibrated))
    return Segment(place.path, place.start, place.end, transcript)


class _Recording:
    """A recording that is being transcribed, channel by channel.

    Args:
        recognizer: See SegmentedTranscript.
    """

    def __init__(self, recognizer: SegmentRecognizer) -> None:
        self._recognizer = recognizer
        self._channel = SegmentedTranscript(recognizer)  # the one that is being read
        self._transcripts: list[Transcript] = []  # of those that have ended
        self._error: DataError | None = None  # why it cannot be read, or not completely

    def add(self, place: _Place, segment: RecognizedSegment) -> None:
        """Add a segment to the current channel."""
        self._channel.add(place.start, place.end, segment)

    def end_channel(self, place: _Place) -> None:
        """End the current channel."""
        self._error = place.error or self._error
        lost = place.error.lost if isinstance(place.error, DamagedAudioError) else ()
        self._transcripts.append(self._channel.whole(lost))
        self._channel = SegmentedTranscript(self._recognizer)

    def result(self, separate: bool) -> Transcript | DataError:
        """The transcript of the whole, or why there is none.

        Args:
            separate: Whether the channels are transcribed separately.
        """
        if self._error and not isinstance(self._error, DamagedAudioError):
            return self._error
        whole = Transcript.of_channels(self._transcripts) if separate else self._transcripts[0]
        if isinstance(self._error, DamagedAudioError):
            return self._error.with_partial(whole)
        return whole
