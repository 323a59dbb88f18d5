"""Damaged recordings in each container that libsndfile can write."""

import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
from numpy.random import Generator

from fuzzing.mutate import damaged

_KINDS = (  # container and coding, as soundfile names them
    ("WAV", "PCM_16"), ("WAV", "FLOAT"), ("WAV", "ULAW"), ("WAV", "IMA_ADPCM"), ("WAVEX", "PCM_24"),
    ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III"),
    ("AIFF", "PCM_16"), ("AU", "PCM_16"), ("CAF", "PCM_16"), ("CAF", "ALAC_16"), ("W64", "PCM_16"),
    ("RF64", "PCM_16"), ("NIST", "PCM_16"), ("VOC", "PCM_16"),
)  # fmt: skip


@cache
def _recording(container: str, coding: str, num_channels: int) -> bytes:
    time = np.arange(8000) / 16000
    hertz = 220 + 50 * np.arange(num_channels)
    samples = 0.4 * np.sin(2 * np.pi * hertz * time[:, np.newaxis])
    with tempfile.TemporaryDirectory() as folder:  # some containers are only written to real files
        path = Path(folder) / "a"
        soundfile.write(path, samples, 16000, coding, format=container)
        return path.read_bytes()


def sound() -> bytes:
    """A valid WAV file."""
    return _recording("WAV", "PCM_16", 1)


def make(rng: Generator, folder: Path) -> Path:
    """Write a damaged recording; sometimes two in one file, or an empty file."""
    container, coding = _KINDS[rng.integers(len(_KINDS))]
    content = _recording(container, coding, int(rng.integers(1, 3)))
    if rng.random() < 0.1:
        content += _recording(*_KINDS[rng.integers(len(_KINDS))], 1)
    # Headers are at the start: damage them more often.
    head, body = content[:200], content[200:]
    kind = rng.integers(4)
    if kind == 0:
        content = damaged(rng, head) + body
    elif kind == 1:
        content = head + damaged(rng, body)
    elif kind == 2:
        content = damaged(rng, content)
    else:
        content = content[: int(rng.integers(len(content)))]
    suffix = container.lower() if rng.random() < 0.9 else "bin"
    path = folder / f"a.{suffix}"
    path.write_bytes(content)
    return path
