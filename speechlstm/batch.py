"""Many recordings, one after the other or on all cores."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from speechlstm.errors import DataError
from speechlstm.parallel import map_in_processes
from speechlstm.transcript import Transcript


class Transcriber(Protocol):
    """Hears words in a recording: a `Recognizer`, or anything else that does."""

    def transcribe_file(
        self, path: Path, channels: int | str = "mix", raw_rate: int | None = None
    ) -> Transcript:
        """The transcript of a recording; DataError if it cannot be used."""


@dataclass(frozen=True)
class Attempt:
    """What came of a recording.

    Attributes:
        result: The transcript, or why there is none.
        compute_seconds: Wall-clock time it took.
    """

    result: Transcript | DataError
    compute_seconds: float

    def transcript(self, return_errors: bool = False) -> Transcript | DataError:
        """The result; an error is raised unless it is to be returned."""
        if isinstance(self.result, DataError) and not return_errors:
            raise self.result
        return self.result


class Loaded:
    """Gives a transcriber: in the process that made it itself, in others one loaded alike.

    Args:
        transcriber: What is loaded.
        load_again: Loads it in another process; None: there is to be no other.
    """

    def __init__(
        self, transcriber: Transcriber, load_again: Callable[[], Transcriber] | None
    ) -> None:
        self._transcriber, self._load_again = transcriber, load_again

    def __call__(self) -> Transcriber:
        """What is loaded."""
        return self._transcriber

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return _received, (self._load_again,)


def _received(load: Callable[[], Transcriber]) -> Callable[[], Transcriber]:
    return load


def transcribe_files(
    load: Callable[[], Transcriber], paths: Sequence[Path], jobs: int = 1, **options: Any
) -> Iterator[Attempt]:
    """Transcribe recordings; what comes of each, in their order.

    Args:
        load: Makes the recogniser; see map_in_processes, as for jobs.
        paths: The recordings.
        jobs: Processes, at most; a second of work has to be done before there is another.
        options: Of transcribe_file.
    """
    return map_in_processes(partial(_load_attempt, load, options), paths, jobs)


def _load_attempt(
    load: Callable[[], Transcriber], options: dict[str, Any]
) -> Callable[[Path], Attempt]:
    return partial(_attempt, load(), options)


def _attempt(transcriber: Transcriber, options: dict[str, Any], path: Path) -> Attempt:
    start = time.perf_counter()
    result: Transcript | DataError
    try:
        result = transcriber.transcribe_file(path, **options)
    except DataError as error:
        result = error
    return Attempt(result, time.perf_counter() - start)
