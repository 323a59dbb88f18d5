"""Transcribes a recording step by step."""

from collections.abc import Iterator
from pathlib import Path

from speechlstm.audio import read_duration, read_segments
from speechlstm.decoding.joining import JoinedHypotheses, join_segments
from speechlstm.errors import AudioError, DamagedAudioError
from speechlstm.recognizer import Recognizer
from speechlstm.server.requests import OpenRecording, Step, TooLongError
from speechlstm.transcript import Hypothesis, Transcript


def steps(recognizer: Recognizer, request: OpenRecording) -> Iterator[Step]:
    """Transcribe a recording segment by segment; the last step has the whole transcript.

    Raises:
        TooLongError: It is longer than the server takes.
        AudioError: It cannot be decoded.
    """
    try:
        _refuse_long(_duration(request.path), request)
        yield from _segment_steps(recognizer, request)
    except AudioError as error:
        raise AudioError(request.name, error.reason) from None


def _segment_steps(recognizer: Recognizer, request: OpenRecording) -> Iterator[Step]:
    whole, duration, damage = JoinedHypotheses(), 0.0, None
    lost: tuple[tuple[float, float], ...] = ()

    def transcript(hypotheses: tuple[Hypothesis, ...]) -> Transcript:
        words = Transcript(hypotheses, duration, recognizer.is_calibrated, lost)
        return recognizer.with_tokens(words)

    try:
        for start, audio in read_segments(request.path, recognizer.sample_rate):
            duration = start + audio.duration
            _refuse_long(duration, request)
            hypotheses = recognizer.hypotheses(audio)
            whole.add(start, hypotheses)
            yield Step(transcript(join_segments([(start, hypotheses)])))
    except DamagedAudioError as error:
        damage, lost = error.reason, error.lost
    yield Step(transcript(whole.best()), is_last=True, damage=damage)


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
