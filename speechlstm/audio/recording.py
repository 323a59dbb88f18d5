"""Recordings as samples: any file that libsndfile reads, mixed to mono, at the wanted rate."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from speechlstm.audio.channels import mixed
from speechlstm.audio.segments import cut_at_pauses
from speechlstm.audio.waveform import Audio, length_fault, sample_fault, sample_rate_fault
from speechlstm.errors import AudioError

BLOCK_FRAMES = 1 << 16  # what is decoded at a time

# Sizes in WAV headers from here on mean "not known": ffmpeg writes 0xFFFFFFFF into a pipe, sox and
# espeak-ng 0x7FFFF000.
_UNKNOWN_SIZE = 0x7FFF0000
_UNKNOWN_FRAMES = 2**63 - 1  # libsndfile's word for FLAC from a pipe; it fails at the end of it
_LARGEST_OGG_PAGE = 27 + 255 + 255 * 255
_MAX_CHUNKS = 1000  # before a WAV file's samples; more are no chunks
_MP3_SLACK = 1152  # one frame: some encoders count their header as audio


def read_audio(source: Path | str | BinaryIO, sample_rate: int | None = None) -> Audio:
    """Decodes a recording: channels mixed, resampled, clipped to [-1, 1].

    Args:
        source: A file by its name, or a binary file object, read from where it stands.
        sample_rate: Samples a second; None: those of the recording.

    Raises:
        AudioError: The file is missing, empty, truncated (where the format tells: WAV, FLAC, OGG,
            Opus, MP3), no recording, shorter than MIN_SECONDS, or its samples are not finite.
    """
    with _opened(source) as (file, path):
        rate = sample_rate or int(file.samplerate)
        return Audio(np.concatenate(list(_mono_blocks(file, path, rate))), rate)


def read_segments(
    path: Path | str | BinaryIO, sample_rate: int, max_seconds: float = 20.0
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
    yield from cut_at_pauses(_blocks(path, sample_rate), sample_rate, max_seconds)


def read_duration(path: Path | str) -> float:
    """Seconds of a recording by its header, without decoding it.

    Raises:
        AudioError: As in read_audio, as far as the header tells.
    """
    with _opened(path) as (file, path):
        _check_length(file.frames, file, path)
        return float(file.frames / file.samplerate)


def _blocks(source: Path | str | BinaryIO, sample_rate: int) -> Iterator[NDArray[np.float32]]:
    """The samples of a recording, mono at sample_rate, block by block."""
    with _opened(source) as (file, path):
        yield from _mono_blocks(file, path, sample_rate)


def _mono_blocks(
    file: soundfile.SoundFile, path: Path, sample_rate: int
) -> Iterator[NDArray[np.float32]]:
    resampler = None
    if file.samplerate != sample_rate:
        resampler = soxr.ResampleStream(file.samplerate, sample_rate, 1, dtype="float32")
    num_frames = 0
    while len(block := file.read(BLOCK_FRAMES, dtype="float32", always_2d=True)):
        num_frames += len(block)
        if fault := sample_fault(block):
            raise AudioError(path, fault)
        mono = mixed(block)
        yield np.clip(resampler.resample_chunk(mono) if resampler else mono, -1, 1)
    _check_length(num_frames, file, path)
    if resampler:
        yield np.clip(resampler.resample_chunk(np.empty(0, np.float32), last=True), -1, 1)


def _check_length(num_frames: int, file: soundfile.SoundFile, path: Path) -> None:
    if num_frames + _MP3_SLACK < file.frames:
        raise _truncated(path)
    if fault := length_fault(num_frames, file.samplerate):
        raise AudioError(path, fault)


@contextmanager
def _opened(source: Path | str | BinaryIO) -> Iterator[tuple[soundfile.SoundFile, Path]]:
    """The recording, its container checked where libsndfile is silent about a missing end."""
    named = isinstance(source, Path | str)
    path = (
        Path(source) if isinstance(source, Path | str) else Path(getattr(source, "name", "audio"))
    )
    try:
        # Unbuffered, for libsndfile goes on where the descriptor stands. By descriptor, for by name
        # soundfile takes .raw as samples without a header.
        with path.open("rb", buffering=0) if named else TemporaryFile(buffering=0) as file:
            if not isinstance(source, Path | str):
                shutil.copyfileobj(source, file)
                file.seek(0)
            _check_container(file, path)
            with soundfile.SoundFile(file.fileno(), closefd=False) as sound:
                if sound.frames == _UNKNOWN_FRAMES:
                    raise AudioError(path, "does not say how long it is; save it again as a file")
                if fault := sample_rate_fault(sound.samplerate):
                    raise AudioError(path, f"its sample rate {fault}")
                yield sound, path
    except OSError as error:
        raise AudioError(path, f"cannot be read: {error.strerror}") from None
    except soundfile.LibsndfileError as error:
        reason = error.error_string.rstrip(".")
        raise AudioError(
            path, f"cannot be decoded: {reason}; is it a whole WAV, FLAC, OGG, Opus or MP3 file?"
        ) from None


def _check_container(file: Any, path: Path) -> None:
    size = os.fstat(file.fileno()).st_size
    if size == 0:
        raise AudioError(path, "is empty (0 bytes)")
    kind = file.read(4)
    if (kind == b"RIFF" and _wav_is_cut(file, size)) or (
        kind == b"OggS" and _ogg_is_cut(file, size)
    ):
        raise _truncated(path)
    file.seek(0)


def _wav_is_cut(file: Any, size: int) -> bool:
    """Whether the header promises more samples than the file holds; libsndfile returns the rest."""
    position = 12
    for _ in range(_MAX_CHUNKS):
        if position + 8 > size:
            break
        file.seek(position)
        name, length = file.read(4), int.from_bytes(file.read(4), "little")
        position += 8
        if name == b"data":
            return bool(length < _UNKNOWN_SIZE and position + length > size)
        position += length + length % 2
    return False


def _ogg_is_cut(file: Any, size: int) -> bool:
    """Whether the last page (RFC 3533, section 6) is not whole."""
    file.seek(max(0, size - _LARGEST_OGG_PAGE))
    end = file.read()
    page = end[end.rfind(b"OggS") :]
    num_segments = page[26] if len(page) > 26 else 0
    return bool(len(page) < 27 + num_segments + sum(page[27 : 27 + num_segments]))


def _truncated(path: Path) -> AudioError:
    return AudioError(path, "is truncated: it holds less than its header says; copy it again")
