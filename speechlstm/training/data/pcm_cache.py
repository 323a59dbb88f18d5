"""A cache of decoded recordings: a file of 16-bit samples for each, in a folder runs may share."""

import hashlib
import os
from array import array
from bisect import bisect
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import isnan, nan
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from speechlstm.arguments import StrPath
from speechlstm.audio import END_TOLERANCE, MIN_SECONDS, Piece, read_audio
from speechlstm.errors import AudioError
from speechlstm.parallel import map_in_threads
from speechlstm.storage import Member, address_of
from speechlstm.training.data.sample_files import num_samples_in, read_samples, write_samples

FULL_SCALE = 32767  # the 16-bit sample that represents 1.0
_SAMPLE_BYTES = 2
_VERSION = 2  # of the files
_DIGEST_BYTES, _SUFFIX = 16, ".pcm"  # of the names of files


class CachedFiles(Sequence[Path]):
    """Files of a cache, by the 16 bytes of their names, since there may be a million.

    Args:
        owners: (num_recordings,) the index in the names of each recording's file.
    """

    def __init__(self, folder: Path, names: Iterable[str], owners: Sequence[int]) -> None:
        self._folder, self._owners = folder, owners
        self._digests = b"".join(bytes.fromhex(name.removesuffix(_SUFFIX)) for name in names)

    def __len__(self) -> int:
        return len(self._owners)

    @overload
    def __getitem__(self, index: int) -> Path: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Path, ...]: ...
    def __getitem__(self, index: int | slice) -> Path | tuple[Path, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        first = _DIGEST_BYTES * self._owners[index]
        digest = self._digests[first : first + _DIGEST_BYTES]
        return self._folder / f"{digest.hex()}{_SUFFIX}"


@dataclass(frozen=True)
class PCMCache:
    """The samples of a list of recordings, or pieces of recordings.

    Attributes:
        files: (num_recordings,) files with the int16 samples of each recording; pieces of a
            recording have the same file.
        num_samples: (num_recordings,) number of samples of each recording.
        failures: The reason why a recording could not be decoded, by its index; it has no samples.
        starts: (num_recordings,) index of the first sample of each recording in its file; (): they
            all begin at 0.
    """

    files: Sequence[Path]
    num_samples: tuple[int, ...]
    failures: dict[int, str]
    starts: tuple[int, ...] = ()

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(self.num_samples))

    @property
    def total(self) -> int:
        """The number of samples of all recordings together."""
        return self._ends[-1] if self._ends else 0

    def waveform(self, index: int) -> NDArray[np.float32]:
        """The samples of a recording, (num_samples,) float32 in [-1, 1].

        Raises:
            TrainingError: Its file is damaged.
        """
        return in_floats(self._read(index, 0, self.num_samples[index]))

    def loop_from(self, position: int, num_samples: int) -> NDArray[np.float32]:
        """Return samples of the recording at a position, repeating it if it is too short.

        Args:
            position: Index of the first sample in the concatenation of all recordings, in
                0..total - 1.
            num_samples: Number of samples to return.

        Returns:
            (num_samples,) float32 in [-1, 1].
        """
        index = bisect(self._ends, position)
        length = self.num_samples[index]
        begin = position - self._ends[index] + length
        samples = self._read(index, begin, min(num_samples, length - begin))
        if len(samples) < num_samples:
            again = self._read(index, 0, min(num_samples, length))
            rest = np.resize(again, num_samples - len(samples))  # repeats it
            samples = np.concatenate([samples, rest])
        return in_floats(samples)

    def _read(self, index: int, begin: int, count: int) -> NDArray[np.int16]:
        """Samples of a recording, from its sample `begin` on."""
        start = begin + (self.starts[index] if self.starts else 0)
        return read_samples(self.files[index], np.int16, start, count)


def in_integers(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """Samples in [-1, 1] as the cache keeps them."""
    return (samples * FULL_SCALE).round().astype(np.int16)


def in_floats(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """Samples of the cache, in [-1, 1]."""
    return np.divide(samples, np.float32(FULL_SCALE), dtype=np.float32)


def open_cache(
    recordings: Iterable[StrPath | Piece], sample_rate: int, folder: Path, progress: bool = False
) -> PCMCache:
    """Open the cache of recordings; those that are not in the folder yet are decoded in parallel.

    Each recording has a file of its own, which is written atomically and has a checksum: after an
    interruption, the remaining ones are decoded, several processes may fill the folder, and later
    runs reuse it. The
    name of the file depends on the sample rate and on the recording's path, size and modification
    times, so a recording that was edited is decoded again. A checksum of the content would be no
    safer, and would read the whole corpus at every start. A recording of which there are pieces is
    decoded whole, once.

    Args:
        recordings: The recordings and pieces, in the order of the cache.
        sample_rate: Samples a second of the cache.
        folder: The folder of the cache; created if it is missing.

    Raises:
        OSError: The cache cannot be written, for example because the disk is full.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     cache = open_cache([Path("data/samples/date.wav")], 16000, Path(folder))
    ...     cache.waveform(0).shape == cache.num_samples
    True
    """
    folder.mkdir(parents=True, exist_ok=True)
    numbers: dict[str, int] = {}  # of the recordings
    owners, starts, seconds = array("q"), array("d"), array("d")  # of pieces; nan: all of it
    for item in recordings:
        path, start, duration = (
            (item.path, item.start, item.duration) if isinstance(item, Piece) else (item, nan, nan)
        )
        owners.append(numbers.setdefault(str(path), len(numbers)))
        starts.append(start)
        seconds.append(duration)
    paths, names = list(numbers), [file_name(path, sample_rate) for path in numbers]
    reasons, sizes = _decoded(paths, names, folder, sample_rate, progress)
    failures: dict[int, str] = {}
    first_samples, num_samples = array("q"), array("q")
    for index, (owner, start, duration) in enumerate(zip(owners, starts, seconds, strict=True)):
        first, end = _range(start, duration, sizes[owner], sample_rate)
        if owner in reasons:
            failures[index] = reasons[owner]
        elif end - first < MIN_SECONDS * sample_rate and not isnan(start):
            piece = Piece(Path(paths[owner]), start, duration)
            failures[index] = f"{piece}: lies outside the recording, or is too short for speech"
        first_samples.append(0 if index in failures else first)
        num_samples.append(0 if index in failures else end - first)
    files = CachedFiles(folder, names, owners)
    return PCMCache(files, tuple(num_samples), failures, tuple(first_samples))


def _range(start: float, duration: float, num_samples: int, sample_rate: int) -> tuple[int, int]:
    """The first sample and the end of a piece of a recording; nan: of all of it."""
    if isnan(start):
        return 0, num_samples
    first = round(start * sample_rate)
    end = first + round(duration * sample_rate)
    if end > num_samples + END_TOLERANCE * sample_rate:
        return 0, 0
    return first, min(end, num_samples)


def _decoded(
    recordings: Sequence[str], names: Sequence[str], folder: Path, sample_rate: int, progress: bool
) -> tuple[dict[int, str], Sequence[int]]:
    """Decode the recordings whose files are missing.

    Args:
        names: The name of each one's file.

    Returns:
        The reason of each recording that cannot be decoded, by its index; and the number of samples
        of each recording.
    """
    sizes = array("q", (num_samples_in(f"{folder}{os.sep}{name}", _SAMPLE_BYTES) for name in names))
    missing = [index for index, size in enumerate(sizes) if size < 0]

    def decode(index: int) -> AudioError | None:
        try:
            samples = read_audio(Path(recordings[index]), sample_rate).samples
        except AudioError as error:
            return error
        write_samples(folder / names[index], in_integers(samples))
        return None

    reasons: dict[int, str] = {}
    bar = tqdm(total=len(missing), desc="decode", unit=" files", disable=not (progress and missing))
    with bar, closing(map_in_threads(decode, missing)) as failures:
        for index, failure in zip(missing, failures, strict=True):
            if failure:
                reasons[index] = str(failure)
            sizes[index] = max(0, num_samples_in(f"{folder / names[index]}", _SAMPLE_BYTES))
            bar.update()
    return reasons, sizes


def file_name(recording: str, sample_rate: int) -> str:
    """The name of a recording's file in a cache; at an address, recordings do not change."""
    member = Member.named(recording)
    try:
        status = os.stat(member.archive if member else recording)  # noqa: PTH116
        state = f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
    except OSError:
        state = "missing"
    path = recording
    if not (os.path.isabs(recording) or address_of(recording)):  # noqa: PTH117
        path = os.path.join(os.getcwd(), recording)  # noqa: PTH109, PTH118 - resolve() is slower
    key = f"{_VERSION}\0{sample_rate}\0{path}\0{state}"
    return f"{hashlib.sha256(key.encode()).hexdigest()[: 2 * _DIGEST_BYTES]}{_SUFFIX}"
