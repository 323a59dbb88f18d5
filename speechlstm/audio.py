"""Recordings as samples: any file that libsndfile reads, mixed to mono, at the wanted rate."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from speechlstm.errors import AudioError

MIN_SECONDS = 0.05  # the shortest vowel; anything less is a slip of the recorder
MAX_PEAK = 16.0  # 24 dB above full scale: no clipping, but integers saved as floats
BLOCK_FRAMES = 1 << 16  # what is decoded at a time
PAUSE_SECONDS = 0.2  # longer than a stop's closure, so that a pause between words wins

# Sizes in WAV headers from here on mean "not known": ffmpeg writes 0xFFFFFFFF into a pipe, sox and
# espeak-ng 0x7FFFF000.
_UNKNOWN_SIZE = 0x7FFF0000
_UNKNOWN_FRAMES = 2**63 - 1  # libsndfile's word for FLAC from a pipe; it fails at the end of it
_LARGEST_OGG_PAGE = 27 + 255 + 255 * 255
_MAX_CHUNKS = 1000  # before a WAV file's samples; more are no chunks
_MP3_SLACK = 1152  # one frame: some encoders count their header as audio


@dataclass(frozen=True, eq=False)
class Audio:
    """A waveform.

    Attributes:
        samples: (num_samples,) float32, full scale is [-1, 1].
        sample_rate: Samples a second.

    Raises:
        ValueError: The samples are not one-dimensional float32.
    """

    samples: NDArray[np.float32]
    sample_rate: int

    def __post_init__(self) -> None:
        if self.samples.ndim != 1 or self.samples.dtype != np.float32:
            raise ValueError(
                f"samples must be (num_samples,) float32, are {self.samples.shape} "
                f"{self.samples.dtype}"
            )

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate


def read_audio(path: Path | str, sample_rate: int) -> Audio:
    """Decodes a recording: channels averaged, resampled, clipped to [-1, 1].

    Raises:
        AudioError: The file is missing, empty, truncated (where the format tells: WAV, FLAC, OGG,
            Opus, MP3), no recording, shorter than MIN_SECONDS, or its samples are not finite.
    """
    return Audio(np.concatenate(list(_blocks(Path(path), sample_rate))), sample_rate)


def read_segments(
    path: Path | str, sample_rate: int, max_seconds: float = 20.0
) -> Iterator[tuple[float, Audio]]:
    """Decodes a recording of any length in pieces, cut where it is quietest.

    Joined, the pieces are what read_audio returns. The first comes as soon as max_seconds are
    decoded; no more than that is held.

    Args:
        path: The recording.
        sample_rate: Samples a second of the pieces.
        max_seconds: Length of a piece, at most; at least 1. A piece of a recording longer than
            this is never shorter than a tenth of it.

    Yields:
        Where the piece starts, in seconds from the start of the recording; the piece.

    Raises:
        AudioError: As in read_audio; a fault in the middle shows after the pieces before it.
    """
    if max_seconds < 1:
        raise ValueError(f"max_seconds must be at least 1, is {max_seconds}")
    yield from _segments(_blocks(Path(path), sample_rate), sample_rate, max_seconds)


def split(audio: Audio, max_seconds: float = 20.0) -> Iterator[tuple[float, Audio]]:
    """A waveform in pieces, as read_segments yields those of a recording.

    Raises:
        ValueError: It is shorter than MIN_SECONDS, or its samples are not finite or far beyond full
            scale.
    """
    if fault := _length_fault(len(audio.samples), audio.sample_rate):
        raise ValueError(f"the audio {fault}")
    if fault := _sample_fault(audio.samples):
        raise ValueError(f"the audio {fault}")
    return _segments(iter([audio.samples]), audio.sample_rate, max_seconds)


def _segments(
    blocks: Iterator[NDArray[np.float32]], sample_rate: int, max_seconds: float
) -> Iterator[tuple[float, Audio]]:
    max_samples = round(max_seconds * sample_rate)
    start, pending = 0, np.empty(0, np.float32)
    for block in blocks:
        pending = np.concatenate((pending, block))
        while len(pending) > max_samples:
            cut = _quietest(pending[:max_samples], sample_rate)
            yield start / sample_rate, Audio(pending[:cut], sample_rate)
            start, pending = start + cut, pending[cut:]
    yield start / sample_rate, Audio(pending, sample_rate)


def read_duration(path: Path | str) -> float:
    """Seconds of a recording by its header, without decoding it.

    Raises:
        AudioError: As in read_audio, as far as the header tells.
    """
    path = Path(path)
    with _opened(path) as file:
        _check_length(file.frames, file, path)
        return float(file.frames / file.samplerate)


def _quietest(samples: NDArray[np.float32], sample_rate: int) -> int:
    """The middle of the quietest pause between a half and nine tenths of the samples."""
    low, high = len(samples) // 2, len(samples) * 9 // 10
    window = round(PAUSE_SECONDS * sample_rate)
    energy = np.cumsum(np.square(samples[low:high], dtype=np.float64))
    return low + window // 2 + int(np.argmin(energy[window:] - energy[:-window]))


def _blocks(path: Path, sample_rate: int) -> Iterator[NDArray[np.float32]]:
    """The samples of a recording, mono at sample_rate, block by block."""
    with _opened(path) as file:
        resampler = None
        if file.samplerate != sample_rate:
            resampler = soxr.ResampleStream(file.samplerate, sample_rate, 1, dtype="float32")
        num_frames = 0
        while len(block := file.read(BLOCK_FRAMES, dtype="float32", always_2d=True)):
            num_frames += len(block)
            if fault := _sample_fault(block):
                raise AudioError(path, fault)
            mono = block.mean(axis=1)
            yield np.clip(resampler.resample_chunk(mono) if resampler else mono, -1, 1)
        _check_length(num_frames, file, path)
        if resampler:
            yield np.clip(resampler.resample_chunk(np.empty(0, np.float32), last=True), -1, 1)


def _sample_fault(samples: NDArray[np.float32]) -> str | None:
    peak = np.abs(samples).max()
    if not np.isfinite(peak):
        return "holds samples that are not finite; export it as 16-bit PCM"
    if peak > MAX_PEAK:
        return (
            f"has samples that reach {peak:.5g} where full scale is 1; divide by the integers' "
            "range"
        )
    return None


def _length_fault(num_frames: int, sample_rate: int) -> str | None:
    if num_frames == 0:
        return "holds no samples"
    if num_frames < MIN_SECONDS * sample_rate:
        return f"lasts {num_frames / sample_rate:.2g} s, too short to hold speech"
    return None


def _check_length(num_frames: int, file: soundfile.SoundFile, path: Path) -> None:
    if num_frames + _MP3_SLACK < file.frames:
        raise _truncated(path)
    if fault := _length_fault(num_frames, file.samplerate):
        raise AudioError(path, fault)


@contextmanager
def _opened(path: Path) -> Iterator[soundfile.SoundFile]:
    """The recording, its container checked where libsndfile is silent about a missing end."""
    try:
        # Unbuffered, for libsndfile goes on where the descriptor stands. By descriptor, for by name
        # soundfile takes .raw as samples without a header.
        with path.open("rb", buffering=0) as file:
            _check_container(file, path)
            with soundfile.SoundFile(file.fileno(), closefd=False) as sound:
                if sound.frames == _UNKNOWN_FRAMES:
                    raise AudioError(path, "does not say how long it is; save it again as a file")
                yield sound
    except OSError as error:
        raise AudioError(path, f"cannot be read: {error.strerror}") from None
    except soundfile.LibsndfileError as error:
        reason = error.error_string.rstrip(".")
        raise AudioError(
            path, f"cannot be decoded: {reason}; is it a whole WAV, FLAC, OGG, Opus or MP3 file?"
        ) from None


def _check_container(file: FileIO, path: Path) -> None:
    size = os.fstat(file.fileno()).st_size
    if size == 0:
        raise AudioError(path, "is empty (0 bytes)")
    kind = file.read(4)
    if (kind == b"RIFF" and _wav_is_cut(file, size)) or (
        kind == b"OggS" and _ogg_is_cut(file, size)
    ):
        raise _truncated(path)
    file.seek(0)


def _wav_is_cut(file: FileIO, size: int) -> bool:
    """Whether the header promises more samples than the file holds; libsndfile returns the rest."""
    position = 12
    for _ in range(_MAX_CHUNKS):
        if position + 8 > size:
            break
        file.seek(position)
        name, length = file.read(4), int.from_bytes(file.read(4), "little")
        position += 8
        if name == b"data":
            return length < _UNKNOWN_SIZE and position + length > size
        position += length + length % 2
    return False


def _ogg_is_cut(file: FileIO, size: int) -> bool:
    """Whether the last page (RFC 3533, section 6) is not whole."""
    file.seek(max(0, size - _LARGEST_OGG_PAGE))
    end = file.read()
    page = end[end.rfind(b"OggS") :]
    num_segments = page[26] if len(page) > 26 else 0
    return len(page) < 27 + num_segments + sum(page[27 : 27 + num_segments])


def _truncated(path: Path) -> AudioError:
    return AudioError(path, "is truncated: it holds less than its header says; copy it again")
