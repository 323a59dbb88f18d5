"""Recordings decoded once: a file of 16-bit samples each, in a folder that runs may share."""

import hashlib
from bisect import bisect
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from speechlstm.audio import read_audio
from speechlstm.errors import AudioError
from speechlstm.storage import write_atomically

FULL_SCALE = 32767  # the sample that stands for 1.0
_SAMPLE_BYTES = 2


@dataclass(frozen=True)
class PCMCache:
    """The samples of a list of recordings.

    Attributes:
        files: (num_recordings,): where the samples of each lie, as int16.
        num_samples: (num_recordings,): their lengths.
        failures: Why a recording could not be read, by its place in the list; it has no samples.
    """

    files: tuple[Path, ...]
    num_samples: tuple[int, ...]
    failures: dict[int, str]

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(self.num_samples))

    @property
    def total(self) -> int:
        """Samples of all recordings."""
        return self._ends[-1] if self._ends else 0

    def waveform(self, index: int) -> NDArray[np.float32]:
        """A recording, (num_samples,) in [-1, 1]."""
        return _floats(np.fromfile(self.files[index], np.int16))

    def loop_from(self, place: int, num_samples: int) -> NDArray[np.float32]:
        """Samples from a place on: (num_samples,) in [-1, 1] of one recording.

        Args:
            place: In 0..total - 1, as though the recordings stood one after the other.
            num_samples: As many are returned; at its end the recording begins again.
        """
        index = bisect(self._ends, place)
        samples = np.memmap(self.files[index], np.int16, "r")
        start = place - self._ends[index]  # counted from the end, for what follows wraps around
        return _floats(samples[np.arange(start, start + num_samples) % len(samples)])


def _floats(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    return samples.astype(np.float32) / np.float32(FULL_SCALE)


def open_cache(
    recordings: Sequence[Path], sample_rate: int, folder: Path, progress: bool = False
) -> PCMCache:
    """The cache of recordings; those that folder lacks are decoded now, several at a time.

    Each recording is a file of its own, which appears whole or not at all: a build that was killed
    goes on where it stopped, processes may build side by side, and what one run has decoded serves
    the next. The file is named after the sample rate and the recording's path, size and time of
    change, which any write moves: another rate or an edited recording is never taken for this one.
    A digest of the contents would say no more, and cost reading the whole corpus at every start.

    Args:
        recordings: The files, in the order of the cache.
        sample_rate: Samples a second.
        folder: Where the samples lie; created if missing.
        progress: Whether to show a progress bar.

    Raises:
        OSError: The cache cannot be written; a disk that is full, say.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = tuple(folder / _name(path, sample_rate) for path in recordings)
    missing = [index for index, file in enumerate(files) if not file.exists()]

    def decode(index: int) -> AudioError | None:
        try:
            samples = read_audio(recordings[index], sample_rate).samples
        except AudioError as error:
            return error
        write_atomically(files[index], (samples * FULL_SCALE).round().astype(np.int16).tobytes())
        return None

    failures: dict[int, str] = {}
    bar = tqdm(total=len(missing), desc="decode", unit=" files", disable=not (progress and missing))
    pool = ThreadPoolExecutor()
    try:
        with bar:
            for index, failure in zip(missing, pool.map(decode, missing), strict=True):
                if failure:
                    failures[index] = str(failure)
                bar.update()
    finally:
        pool.shutdown(cancel_futures=True)  # on Ctrl-C or a full disk: not the thousands to come
    num_samples = tuple(
        0 if index in failures else file.stat().st_size // _SAMPLE_BYTES
        for index, file in enumerate(files)
    )
    return PCMCache(files, num_samples, failures)


def _name(recording: Path, sample_rate: int) -> str:
    try:
        status = recording.stat()
        state = f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
    except OSError:
        state = "missing"
    key = f"{sample_rate}\0{recording.absolute()}\0{state}"  # resolve() is slower
    return f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.pcm"
