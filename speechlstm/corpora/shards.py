"""Packs the recordings of a manifest into tar archives (shards), for corpora of any size.

The layout is WebDataset's (Aizman et al., "High performance I/O for large scale deep learning",
2019): in each archive, KEY.flac and then KEY.json for each utterance. `manifest.jsonl` beside the
archives lists the utterances as any manifest does; its audio paths say where in which archive the
bytes are (`speechlstm.storage.members`). So training draws its batches from shards in the order in
which it draws them from files, with equal results, and resumes in the same way. Reading archives
from start to end into a shuffle buffer, as WebDataset does, would mix less, and could not group
utterances by length; it saves a request for each utterance where the storage is slow. At an
address, that is one request in the whole run, while the cache is filled, or one in each epoch
without a cache: up to eight at a time, for which only a network on a GPU has to wait.
"""

import io
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from speechlstm.audio import Audio, Piece, read_audio, with_serial
from speechlstm.audio.source import opened
from speechlstm.corpora.check import duration_fault
from speechlstm.corpora.manifest import SHARD_LIST, Manifest, Utterance, write_manifest
from speechlstm.errors import ConfigError, DataError, ManifestError
from speechlstm.parallel import map_in_threads
from speechlstm.storage import Member, folder_written_atomically, write_atomically
from speechlstm.transcript.formats import json_line

NEMO_LIST = "nemo.jsonl"  # the same utterances as NeMo's tarred datasets list them
_KEPT = (".flac", ".opus", ".ogg", ".oga", ".mp3")  # what is compressed already stays as it is
_OPUS_RATES = (8000, 12000, 16000, 24000, 48000)
_ANY_FLAC_RATE, _MAX_FLAC_RATE = 65_535, 655_350  # between them, multiples of 10
_MAX_KEY = 80  # characters; a header of ustar has 100 for the name
_HEADER_BYTES = tarfile.BLOCKSIZE
_SHARD = re.compile(r"\d{6,}\.tar", re.ASCII)


@dataclass(frozen=True)
class _Packed:
    """An utterance, the content and the suffix of its recording."""

    utterance: Utterance
    content: bytes
    suffix: str
    sample_rate: int


def pack(
    manifest: Manifest, folder: Path, encoding: str | None = None, shard_bytes: int = 100_000_000
) -> Iterator[Utterance | DataError]:
    """Write the recordings of a manifest into shards; the same bytes each time.

    Recordings that are compressed stay as they are; others, and pieces of long recordings, become
    FLAC, which loses nothing. The folder appears when it is complete.

    Args:
        folder: What to write; shards in it are replaced.
        encoding: "flac" or "opus", for all recordings; None: as above.
        shard_bytes: A shard ends before the utterance that would make it larger.

    Yields:
        For each entry, in order: its utterance in the shards, or the error for which it is left
            out.

    Raises:
        ConfigError: There is something else in the folder, or the manifest itself, or a recording
            that it lists.
        ManifestError: It or none of its recordings can be read; nothing is written.
    """
    _refuse_others(folder)
    if manifest.path.resolve().is_relative_to(folder.resolve()):
        raise ConfigError(f"{folder}: has the manifest that is to be packed; give a new folder")
    with folder_written_atomically(folder) as unfinished:
        listed: list[Utterance] = []
        shards = _Shards(unfinished, shard_bytes)
        encoded = partial(_encoded, manifest, encoding, folder.resolve())
        for number, packed in enumerate(map_in_threads(encoded, manifest.entries())):
            if isinstance(packed, ManifestError) and packed.line is None:
                raise packed
            if isinstance(packed, DataError):
                yield packed
                continue
            listed.append(shards.add(number, packed))
            yield listed[-1]
        if not listed:
            raise ManifestError(manifest.path, "no recording can be packed")
        shards.close()
        write_manifest(unfinished / SHARD_LIST, listed)
        write_atomically(unfinished / NEMO_LIST, "".join(map(_nemo_line, listed)))


def _refuse_others(folder: Path) -> None:
    """Refuse to replace a folder that has anything but shards."""
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    shards = {name for name in names if _SHARD.fullmatch(name)}
    if names and names != shards | {SHARD_LIST, NEMO_LIST}:
        raise ConfigError(f"{folder}: has something else than shards in it; give a new folder")


def _refuse_own(manifest: Manifest, recording: Path | Piece, folder: Path) -> None:
    """Refuse to replace a shard that has a recording of the manifest."""
    member = Member.named(recording.path if isinstance(recording, Piece) else recording)
    if member and Path(member.archive).resolve().parent == folder:
        raise ConfigError(
            f"{folder}: has recordings of {manifest.path}, which would be replaced; give a new "
            "folder"
        )


def _encoded(
    manifest: Manifest, encoding: str | None, folder: Path, entry: Utterance | DataError
) -> _Packed | DataError:
    """Decode the recording of an entry, and encode it unless it stays as it is."""
    if isinstance(entry, DataError):
        return entry
    recording = manifest.recording(entry)
    _refuse_own(manifest, recording, folder)
    try:
        audio = read_audio(recording)
        if fault := duration_fault(entry.duration, recording, audio.duration):
            return fault
        suffix = recording.suffix.lower() if isinstance(recording, Path) else ""
        if encoding is None and isinstance(recording, Path) and suffix in _KEPT:
            with opened(recording) as source:
                content = source.read(0, source.size)
        else:
            suffix = f".{encoding or 'flac'}"
            content = _opus(audio) if encoding == "opus" else _flac(audio)
            audio = read_audio(io.BytesIO(content))  # Opus has other rates
    except DataError as error:
        return error
    utterance = replace(entry, duration=audio.duration, offset=None)
    return _Packed(utterance, content, suffix, audio.sample_rate)


def _flac(audio: Audio) -> bytes:
    """FLAC of 16 bits if the samples have no more, otherwise of 24.

    Integers are written, because libsndfile scales floating-point samples by 32767 and not, as when
    it reads them, by 32768. What has a sample rate that FLAC cannot have gets the next lower one.
    """
    if audio.sample_rate > _ANY_FLAC_RATE:
        audio = audio.resampled(min(audio.sample_rate, _MAX_FLAC_RATE) // 10 * 10)
    scaled = audio.samples.astype(np.float64) * 2**15
    if np.array_equal(scaled, scaled.round()):
        return _written(scaled.clip(-(2**15), 2**15 - 1).astype(np.int16), audio, "PCM_16")
    scaled = (scaled * 2**8).round().clip(-(2**23), 2**23 - 1)
    return _written(scaled.astype(np.int32) << 8, audio, "PCM_24")


def _opus(audio: Audio) -> bytes:
    rate = next((r for r in _OPUS_RATES if r >= audio.sample_rate), _OPUS_RATES[-1])
    resampled = audio.resampled(rate)
    return with_serial(_written(resampled.samples, resampled, "OPUS", "OGG"), 0)


def _written(
    samples: NDArray[np.generic], audio: Audio, subtype: str, container: str = "FLAC"
) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, audio.sample_rate, subtype, format=container)
    return file.getvalue()


class _Shards:
    """Writes archives one after the other."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder, self._max_bytes = folder, max_bytes
        self._num_shards = 0
        self._open()

    def add(self, number: int, packed: _Packed) -> Utterance:
        """Add an utterance; returns it with the path of its recording."""
        if self._tar.offset and self._tar.offset + len(packed.content) > self._max_bytes:
            self.close()
            self._open()
        name = re.sub(r"[^\w-]", "_", packed.utterance.id, flags=re.ASCII)[:_MAX_KEY]
        key = f"{number:08}-{name}"  # WebDataset's keys end at the first dot
        start = self._tar.offset + _HEADER_BYTES
        self._write(f"{key}{packed.suffix}", packed.content)
        place = f"{start}+{len(packed.content)}"
        shard = f"{self._num_shards:06}.tar"
        known = {
            "id": packed.utterance.id,
            "text": packed.utterance.text,
            "speaker": packed.utterance.speaker,
            "label": packed.utterance.label,
            "duration": packed.utterance.duration,
            "sample_rate": packed.sample_rate,
        }
        values = {name: value for name, value in known.items() if value is not None}
        self._write(f"{key}.json", json_line(values).encode())
        return replace(packed.utterance, audio=f"{shard}/{place}/{key}{packed.suffix}")

    def close(self) -> None:
        """Write the last archive."""
        self._tar.close()
        write_atomically(self._folder / f"{self._num_shards:06}.tar", self._file.getvalue())
        self._num_shards += 1

    def _open(self) -> None:
        self._file = io.BytesIO()
        self._tar = tarfile.TarFile(fileobj=self._file, mode="w", format=tarfile.USTAR_FORMAT)

    def _write(self, name: str, content: bytes) -> None:
        info = tarfile.TarInfo(name)  # without time or owner
        info.size = len(content)
        self._tar.addfile(info, io.BytesIO(content))


def _nemo_line(utterance: Utterance) -> str:
    shard, _, name = utterance.audio.split("/")
    values = {
        "audio_filepath": name,
        "duration": utterance.duration,
        "text": utterance.text or "",
        "shard_id": int(shard.removesuffix(".tar")),
    }
    return f"{json_line(values)}\n"
