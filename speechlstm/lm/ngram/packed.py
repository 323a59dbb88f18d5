"""The packed file of a language model: a trie that is memory-mapped, not read.

    magic                    8 bytes
    version, header's size and its CRC-32   uint32 each, little-endian as all numbers
    header                   JSON: sizes, special words, alphabet, writer, CRC-32 of the arrays
    arrays                   in the order of `Trie`, each filled up to a multiple of 64 bytes

Opening checks the header, and that the file is as long as it must be; `verify` reads all of it.
"""

import json
import math
import mmap
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from speechlstm import __version__
from speechlstm.errors import LanguageModelError
from speechlstm.lm.ngram.trie import NUM_CODES, Trie
from speechlstm.storage import write_atomically

FORMAT_VERSION = 1

_MAGIC = b"slstm-lm"
_PREFIX = struct.Struct("<8sIII")
_ALIGNMENT = 64


@dataclass(frozen=True)
class PackedModel:
    """What a packed file holds.

    Attributes:
        trie: The n-grams, in memory that is mapped from the file.
        alphabet_sha256: Of the alphabet that its words are spelled in; None: of no certain one.
    """

    trie: Trie
    alphabet_sha256: str | None


def write_packed(path: Path, trie: Trie, alphabet_sha256: str | None) -> None:
    """Write a packed file; it appears whole or not at all.

    Raises:
        OSError: The file cannot be written; one that was there before is untouched.
    """
    header: dict[str, Any] = {
        "writer": f"speechlstm {__version__}",
        "alphabet_sha256": alphabet_sha256,
        "num_ngrams": trie.num_ngrams,
        "num_states": trie.num_states,
        "start_state": trie.start_state,
        "sentence_end": trie.sentence_end,
        "vocabulary_bytes": len(trie.vocabulary),
        "quantized": trie.is_quantized,
    }
    arrays = b"".join(
        data.ljust(_aligned(len(data)), b"\0")
        for name, dtype, _ in _arrays(header)
        for data in [np.ascontiguousarray(getattr(trie, name), dtype).tobytes()]
    )
    header["crc32"] = zlib.crc32(arrays)
    text = json.dumps(header).encode()
    text = text.ljust(_aligned(_PREFIX.size + len(text)) - _PREFIX.size)
    prefix = _PREFIX.pack(_MAGIC, FORMAT_VERSION, len(text), zlib.crc32(text))
    write_atomically(path, prefix + text + arrays)


def open_packed(path: Path) -> PackedModel:
    """Map a packed file into memory; nothing but its header is read.

    Raises:
        LanguageModelError: It cannot be read, is no packed language model, is damaged, cut short
            or of another version.
    """
    data, header, start = _map(path)
    try:
        arrays, stop = _place(data, header, start)
        if stop != len(data):
            raise LanguageModelError(path, f"has {len(data)} bytes instead of {stop}: cut short?")
        trie = Trie(
            tuple(header["num_ngrams"]),
            tuple(header["num_states"]),
            header["start_state"],
            header["sentence_end"],
            **arrays,
        )
        alphabet_sha256 = header["alphabet_sha256"]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise LanguageModelError(path, f"has a header of another kind: {error}") from error
    if not np.isfinite(trie.codebooks).all():
        raise LanguageModelError(path, "is damaged: codes stand for no numbers")
    return PackedModel(trie, alphabet_sha256)


def verify_packed(path: Path) -> None:
    """Read a whole packed file and compare its checksum.

    Raises:
        LanguageModelError: As `open_packed`, or the arrays are damaged.
    """
    data, header, start = _map(path)
    if zlib.crc32(memoryview(data)[start:]) != header.get("crc32"):
        raise LanguageModelError(path, "is damaged: its checksum differs")


def _map(path: Path) -> tuple[mmap.mmap, dict[str, Any], int]:
    """The mapped file, its header, and where its arrays begin."""
    try:
        with path.open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise LanguageModelError(path, f"cannot be read: {error.strerror}") from error
    except ValueError as error:  # there is no map of an empty file
        raise LanguageModelError(path, "is empty") from error
    if data[: len(_MAGIC)] != _MAGIC or len(data) < _PREFIX.size:
        raise LanguageModelError(path, "is no packed language model; see: speechlstm lm build")
    _, version, size, checksum = _PREFIX.unpack_from(data)
    if version != FORMAT_VERSION:
        raise LanguageModelError(
            path,
            f"has format version {version}, this is speechlstm {__version__}, which reads "
            f"version {FORMAT_VERSION}; build it again",
        )
    text = data[_PREFIX.size : _PREFIX.size + size]
    if zlib.crc32(text) != checksum:
        raise LanguageModelError(path, "is damaged: the checksum of its header differs")
    return data, json.loads(text), _PREFIX.size + size


def _place(
    data: mmap.mmap, header: dict[str, Any], start: int
) -> tuple[dict[str, NDArray[Any]], int]:
    """The arrays in the mapped file, and where the last one ends, its padding included."""
    arrays = {}
    for name, dtype, shape in _arrays(header):
        num_bytes = np.dtype(dtype).itemsize * math.prod(shape)
        if start + num_bytes <= len(data):  # otherwise the file is refused by its size
            arrays[name] = np.frombuffer(data, dtype, math.prod(shape), start).reshape(shape)
        start += _aligned(num_bytes)
    return arrays, start


def _arrays(header: dict[str, Any]) -> Iterator[tuple[str, DTypeLike, tuple[int, ...]]]:
    """Name, kind and shape of each array, in the order of the file."""
    num_ngrams, num_states = header["num_ngrams"], header["num_states"]
    is_possible = len(num_ngrams) == len(num_states) and min(*num_ngrams, *num_states) >= 0
    if not is_possible or not num_ngrams[0] or num_states[0] != 1:
        raise ValueError(f"{num_ngrams} n-grams, {num_states} states")
    value = "u1" if header["quantized"] else "<f4"
    yield "vocabulary", "u1", (header["vocabulary_bytes"],)
    yield "words", "<u2" if num_ngrams[0] <= 2**16 else "<u4", (sum(num_ngrams),)
    yield "log_probs", value, (sum(num_ngrams),)
    yield "contexts", "<u4", (sum(num_states),)
    yield "children", "<u4", (sum(num_states) + 1,)
    yield "suffixes", "<u4", (sum(num_states),)
    yield "backoffs", value, (sum(num_states),)
    yield "codebooks", "<f4", (2 * len(num_ngrams) if header["quantized"] else 0, NUM_CODES)


def _aligned(num_bytes: int) -> int:
    return -(-num_bytes // _ALIGNMENT) * _ALIGNMENT
