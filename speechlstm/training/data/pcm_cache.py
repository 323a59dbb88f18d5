"""A cache of decoded recordings: a file of 16-bit samples for each, in a folder runs may share."""

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

from speechlstm.audio import END_TOLERANCE, MIN_SECONDS, Piece, read_audio
from speechlstm.errors import AudioError
from speechlstm.storage import write_atomically

FULL_SCALE = 32767  # the 16-bit sample that represents 1.0
_SAMPLE_BYTES = 2


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

    files: tuple[Path, ...]
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
        """The samples of a recording, (num_samples,) float32 in [-1, 1]."""
        return _floats(self._read(index, 0, self.num_samples[index]))

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
        return _floats(samples)

    def _read(self, index: int, begin: int, count: int) -> NDArray[np.int16]:
        """Samples of a recording, from its sample `begin` on."""
        start = begin + (self.starts[index] if self.starts else 0)
        return np.fromfile(self.files[index], np.int16, count, offset=_SAMPLE_BYTES * start)


def _floats(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    return np.divide(samples, np.float32(FULL_SCALE), dtype=np.float32)


def open_cache(
    recordings: Sequence[Path | Piece], sample_rate: int, folder: Path, progress: bool = False
) -> PCMCache:
    """Open the cache of recordings; those that are not in the folder yet are decoded in parallel.

    Each recording has a file of its own, which is written atomically: after an interruption, the
    remaining ones are decoded, several processes may fill the folder, and later runs reuse it. The
    name of the file depends on the sample rate and on the recording's path, size and modification
    times, so a recording that was edited is decoded again. A checksum of the content would be no
    safer, and would read the whole corpus at every start. A recording of which there are pieces is
    decoded whole, once.

    Args:
        recordings: The recordings and pieces, in the order of the cache.
        sample_rate: Samples a second of the cache.
        folder: The folder of the cache; created if it is missing.
        progress: Whether to show a progress bar on stderr.

    Raises:
        OSError: The cache cannot be written, for example because the disk is full.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     cache = open_cache([Path("data/samples/date.wav")], 16000, Path(folder))
    ...     cache.waveform(0).shape == cache.num_samples
    True
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [item.path if isinstance(item, Piece) else item for item in recordings]
    names = {path: folder / _name(path, sample_rate) for path in dict.fromkeys(paths)}
    reasons = _decode_missing(names, sample_rate, progress)
    sizes = {
        path: 0 if path in reasons else file.stat().st_size // _SAMPLE_BYTES
        for path, file in names.items()
    }
    failures: dict[int, str] = {}
    ranges = []
    for index, (item, path) in enumerate(zip(recordings, paths, strict=True)):
        start, end = _range(item, sizes[path], sample_rate)
        if path in reasons:
            failures[index] = reasons[path]
        elif isinstance(item, Piece) and end - start < MIN_SECONDS * sample_rate:
            failures[index] = f"{item}: lies outside the recording, or is too short for speech"
        ranges.append((0, 0) if index in failures else (start, end))
    return PCMCache(
        tuple(names[path] for path in paths),
        tuple(end - start for start, end in ranges),
        failures,
        tuple(start for start, _ in ranges),
    )


def _range(item: Path | Piece, num_samples: int, sample_rate: int) -> tuple[int, int]:
    """The first sample and the end of a recording, or of a piece of it, of num_samples."""
    if not isinstance(item, Piece):
        return 0, num_samples
    start = round(item.start * sample_rate)
    end = start + round(item.duration * sample_rate)
    if end > num_samples + END_TOLERANCE * sample_rate:
        return 0, 0
    return start, min(end, num_samples)


def _decode_missing(files: dict[Path, Path], sample_rate: int, progress: bool) -> dict[Path, str]:
    """Decode the recordings whose files are missing; the reasons of those that cannot be decoded.

    Args:
        files: The file of each recording.
        sample_rate: Samples a second.
        progress: Whether to show a progress bar.
    """
    missing = [path for path, file in files.items() if not file.exists()]

    def decode(path: Path) -> AudioError | None:
        try:
            samples = read_audio(path, sample_rate).samples
        except AudioError as error:
            return error
        content = (samples * FULL_SCALE).round().astype(np.int16).tobytes()
        write_atomically(files[path], content)
        return None

    reasons: dict[Path, str] = {}
    bar = tqdm(total=len(missing), desc="decode", unit=" files", disable=not (progress and missing))
    pool = ThreadPoolExecutor()
    try:
        with bar:
            for path, failure in zip(missing, pool.map(decode, missing), strict=True):
                if failure:
                    reasons[path] = str(failure)
                bar.update()
    finally:
        pool.shutdown(cancel_futures=True)  # Ctrl-C or a full disk must not wait for all others
    return reasons


def _name(recording: Path, sample_rate: int) -> str:
    try:
        status = recording.stat()
        state = f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
    except OSError:
        state = "missing"
    key = f"{sample_rate}\0{recording.absolute()}\0{state}"  # resolve() would be slower
    return f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.pcm"
