"""Transcribes many short recordings, in this process or in several, and says how long each took.

`speechlstm.recognizer.sharing` is for recordings of any length.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, Self, TypeVar

from speechlstm.audio import Piece
from speechlstm.errors import DataError
from speechlstm.parallel import map_in_processes
from speechlstm.transcript import Transcript

Channels = int | Literal["mix", "separate"]  # see Recognizer.transcribe_file


class FileTranscriber(Protocol):
    """What transcribe_each needs of a recogniser: `Recognizer` has it, as have stubs in tests."""

    def transcribe_file(
        self, path: Path | Piece, channels: Channels = "mix", raw_rate: int | None = None
    ) -> Transcript:
        """The transcript of a recording; raises DataError if the recording cannot be used."""


Result = TypeVar("Result")


@dataclass(frozen=True)
class Attempt(Generic[Result]):
    """The outcome of transcribing or classifying one recording.

    Attributes:
        result: The transcript or class, or the error that prevented it.
        compute_seconds: Wall-clock time that it took.
    """

    result: Result | DataError
    compute_seconds: float

    @classmethod
    def of(cls, function: Callable[..., Result], path: Path | Piece, **options: Any) -> Self:
        """Apply a function to a recording."""
        start = time.perf_counter()
        try:
            result: Result | DataError = function(path, **options)
        except DataError as error:
            result = error
        return cls(result, time.perf_counter() - start)


def transcribe_each(
    load: Callable[[], FileTranscriber],
    paths: Iterable[Path | Piece],
    jobs: int = 1,
    ray_address: str | None = None,
    **options: Any,
) -> Iterator[Attempt[Transcript]]:
    """Transcribe recordings and yield the outcome of each, in the order of the paths.

    Args:
        load: Returns the recogniser. It is called in this process and once in each other one, so it
            must be picklable.
        jobs: The largest number of processes. Others are started only after this process has worked
            for a second; see map_in_processes.
        ray_address: Of a Ray cluster that is used in place of them, whose nodes see the recordings
            under the same paths; see map_on_ray, which also says what is raised.
        options: Keyword arguments of transcribe_file.
    """
    attempt = partial(_load_attempt, load, options)
    if ray_address is None:
        return map_in_processes(attempt, paths, jobs)
    from speechlstm.parallel.on_ray import map_on_ray

    return map_on_ray(attempt, paths, ray_address)


def _load_attempt(
    load: Callable[[], FileTranscriber], options: dict[str, Any]
) -> Callable[[Path | Piece], Attempt[Transcript]]:
    return partial(Attempt.of, load().transcribe_file, **options)
