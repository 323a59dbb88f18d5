"""What a worker process does: it answers requests about recordings and streams, one at a time.

A recording is transcribed step by step: each `NextStep` transcribes one segment. So it can be given
up between two steps, and its segments can be sent to the client as they are done.
"""

import shutil
import signal
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from speechlstm.audio import read_duration, read_segments, silence_codecs
from speechlstm.bundle import default_bundle, find_bundle
from speechlstm.config import HotWord
from speechlstm.decoding.joining import JoinedHypotheses
from speechlstm.errors import AlphabetError, AudioError, ConfigError, DamagedAudioError, DataError
from speechlstm.parallel.worker import call_when_parent_ends
from speechlstm.recognizer import Recognizer
from speechlstm.text.normalize import normalize
from speechlstm.transcript import Hypothesis, Transcript


class TooLongError(DataError):
    """A recording or stream is longer than the server takes."""


@dataclass(frozen=True)
class Model:
    """What clients may know of the recogniser.

    Attributes:
        name: The name of the bundle.
        language: The language in ISO 639-1; None: not known.
        sample_rate: In Hz, at which streams need no conversion.
        is_readable: Whether transcripts have readable text.
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
        path: The file.
        name: Names it in errors.
        max_seconds: The largest duration.
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


class Service:
    """Answers requests, in a worker process.

    Args:
        bundle: As in `Recognizer.load`.
        options: The arguments of `Recognizer.load`.
    """

    def __init__(self, bundle: Path | None, options: dict[str, Any]) -> None:
        self._bundle, self._options = bundle, options
        self._recognizer = Recognizer.load(bundle, **options)
        # Two, so that a client that sends several recordings with its words loads them once.
        self._with_hot_words = lru_cache(maxsize=2)(self._load_hot_words)
        self._recordings: dict[int, Iterator[Step]] = {}

    def __call__(self, request: object) -> Any:
        """The answer to a request; raises SpeechLSTMError if that is not possible."""
        match request:
            case Describe():
                return self._describe()
            case OpenRecording():
                hints = tuple(filter(self._is_spellable, request.hints))
                recognizer = self._with_hot_words((*request.hot_words, *hints))
                self._recordings[request.key] = _steps(recognizer, request)
                return None
            case NextStep():
                return next(self._recordings[request.key])
            case Close():
                self._recordings.pop(request.key, None)
                return None
        raise TypeError(f"{request!r:.80} is no request")

    def _describe(self) -> Model:
        recognizer, path = self._recognizer, find_bundle(self._bundle)
        is_english = self._bundle is None or path.resolve() == default_bundle().resolve()
        return Model(
            path.resolve().stem if path.suffix == ".tflite" else path.resolve().name,
            "en" if is_english else None,
            recognizer.model.sample_rate,
            recognizer.writer is not None,
        )

    def _is_spellable(self, phrase: str) -> bool:
        try:
            HotWord(phrase)
            self._recognizer.model.characters.alphabet.encode(normalize(phrase))
        except (AlphabetError, ConfigError):
            return False
        return bool(normalize(phrase))

    def _load_hot_words(self, phrases: tuple[str, ...]) -> Recognizer:
        if not phrases:
            return self._recognizer
        given = self._options.get("hot_words") or ()
        words = (*given, *(HotWord(phrase) for phrase in phrases))
        return Recognizer.load(self._bundle, **{**self._options, "hot_words": words})


def load_service(folder: Path, bundle: Path | None, options: dict[str, Any]) -> Service:
    """Start a worker process.

    Args:
        folder: The folder of uploads. It is deleted if the server is killed.
        bundle: As in `Service`.
        options: As in `Service`.
    """
    # Whoever ends the server by a signal to all its processes still wants the running requests to
    # end well: the server ends its workers itself.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    call_when_parent_ends(partial(shutil.rmtree, folder, ignore_errors=True))
    silence_codecs()
    return Service(bundle, options)


def service_loader(
    folder: Path, bundle: Path | None, options: dict[str, Any]
) -> Callable[[], Service]:
    """`load_service` with its arguments, for worker processes."""
    return partial(load_service, folder, bundle, options)


def _steps(recognizer: Recognizer, request: OpenRecording) -> Iterator[Step]:
    """Transcribes a recording segment by segment; the last step has the whole transcript."""
    try:
        _refuse_long(_duration(request.path), request)
        yield from _segment_steps(recognizer, request)
    except AudioError as error:
        raise AudioError(request.name, error.reason) from None


def _segment_steps(recognizer: Recognizer, request: OpenRecording) -> Iterator[Step]:
    words_only = copy(recognizer)  # readable text is made below, of words with their final times
    words_only.writer = None
    is_calibrated = recognizer.decoder.is_calibrated
    joined, duration, damage = JoinedHypotheses(), 0.0, None
    lost: tuple[tuple[float, float], ...] = ()

    def readable(hypotheses: tuple[Hypothesis, ...]) -> Transcript:
        transcript = Transcript(hypotheses, duration, is_calibrated, lost)
        if not recognizer.writer:
            return transcript
        return replace(transcript, tokens=recognizer.writer.tokens(transcript.words))

    try:
        for start, audio in read_segments(request.path, recognizer.model.sample_rate):
            duration = start + audio.duration
            _refuse_long(duration, request)
            hypotheses, segment = words_only.transcribe(audio).hypotheses, JoinedHypotheses()
            joined.add(start, hypotheses)
            segment.add(start, hypotheses)
            yield Step(readable(segment.best()))
    except DamagedAudioError as error:
        damage, lost = error.reason, error.lost
    yield Step(readable(joined.best()), is_last=True, damage=damage)


def _duration(path: Path) -> float:
    try:
        return read_duration(path)
    except DamagedAudioError as error:
        return error.seconds


def _refuse_long(seconds: float, request: OpenRecording) -> None:
    if seconds > request.max_seconds:
        raise TooLongError(
            f"{request.name}: lasts {seconds:.0f} s, more than the limit of "
            f"{request.max_seconds:.0f} s; cut it into shorter ones"
        )
