"""Recordings decoded once: 16-bit samples of many utterances in one memory-mapped file."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from speechlstm.audio import read_audio
from speechlstm.errors import AudioError
from speechlstm.storage import write_atomically

FULL_SCALE = 32767  # the sample that stands for 1.0


@dataclass(frozen=True)
class PCMCache:
    """The samples of a list of recordings.

    Attributes:
        samples: (total,) int16, memory-mapped: one recording after the other.
        bounds: (num_recordings + 1,): recording k is samples[bounds[k] : bounds[k + 1]].
        failures: Why a recording could not be read, by its place in the list; it has no samples.
    """

    samples: NDArray[np.int16]
    bounds: Sequence[int]
    failures: dict[int, str]

    def num_samples(self, index: int) -> int:
        """Length of a recording."""
        return self.bounds[index + 1] - self.bounds[index]

    def waveform(self, index: int) -> NDArray[np.float32]:
        """A recording, (num_samples,) in [-1, 1]."""
        samples = self.samples[self.bounds[index] : self.bounds[index + 1]]
        return samples.astype(np.float32) / np.float32(FULL_SCALE)


def open_cache(
    recordings: Sequence[Path], sample_rate: int, folder: Path, progress: bool = False
) -> PCMCache:
    """The cache of recordings, decoded now unless folder has it.

    It is keyed by sample rate and by every file's path, size and time of change, so that another
    rate or an edited recording is never taken for this one.

    Args:
        recordings: The files, in the order of the cache.
        sample_rate: Samples a second.
        folder: Where caches lie; created if missing.
        progress: Whether to show a progress bar.

    Raises:
        OSError: The cache cannot be written; a disk that is full, say.
    """
    folder.mkdir(parents=True, exist_ok=True)
    key = _key(recordings, sample_rate)
    samples_path, index_path = folder / f"{key}.pcm", folder / f"{key}.json"
    if not index_path.exists():
        index = _decode(recordings, sample_rate, samples_path, progress)
        write_atomically(index_path, json.dumps(index))  # last: its presence says all is there
    index = json.loads(index_path.read_text())
    bounds = [0, *accumulate(index["num_samples"])]
    samples = (
        np.memmap(samples_path, np.int16, "r", shape=(bounds[-1],))
        if bounds[-1]
        else np.empty(0, np.int16)
    )
    return PCMCache(samples, bounds, {int(k): v for k, v in index["failures"].items()})


def _key(recordings: Iterable[Path], sample_rate: int) -> str:
    digest = hashlib.sha256(f"{sample_rate}".encode())
    for path in recordings:
        try:
            status = path.stat()
            state = f"{status.st_size} {status.st_mtime_ns}"
        except OSError:
            state = "missing"
        digest.update(f"\0{path.resolve()}\0{state}".encode())
    return digest.hexdigest()[:32]


def _decode(
    recordings: Sequence[Path], sample_rate: int, destination: Path, progress: bool
) -> dict[str, object]:
    """Write the samples of all recordings; returns their lengths and the reasons of failures."""
    lengths: list[int] = []
    failures: dict[int, str] = {}
    temporary = destination.with_suffix(".part")
    bar = tqdm(total=len(recordings), desc="decode", unit=" files", disable=not progress)
    with temporary.open("wb") as file, bar:
        for index, result in enumerate(_read_all(recordings, sample_rate)):
            if isinstance(result, AudioError):
                failures[index] = str(result)
            else:
                file.write(result)
            lengths.append(0 if isinstance(result, AudioError) else len(result) // 2)
            bar.update()
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(destination)
    return {"num_samples": lengths, "failures": failures}


def _read_all(recordings: Sequence[Path], sample_rate: int) -> Iterator[bytes | AudioError]:
    def read(path: Path) -> bytes | AudioError:
        try:
            samples = read_audio(path, sample_rate).samples
        except AudioError as error:
            return error
        return (samples * FULL_SCALE).round().astype(np.int16).tobytes()

    with ThreadPoolExecutor() as pool:
        yield from pool.map(read, recordings)
