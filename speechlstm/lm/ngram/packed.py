"""The packed file format of n-gram models: a trie that can be memory-mapped.

    magic                    8 bytes
    version, size and CRC-32 of the header   uint32 each, little-endian like all numbers
    header                   JSON: sizes, special words, alphabet, writer, CRC-32 of the arrays
    arrays                   in the order of `Trie`, each padded to a multiple of 64 bytes

Opening a file checks its header and its length; `verify_packed` reads all of it.
"""

import json
import math
import mmap
import struct
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from speechlstm import __version__
from speechlstm.errors import LanguageModelError, quoted
from speechlstm.lm.ngram.identify import HEAD_BYTES, identify
from speechlstm.lm.ngram.table import MAX_ORDER
from speechlstm.lm.ngram.trie import NUM_CODES, Trie
from speechlstm.storage import open_regular_file, parse_json, write_atomically

FORMAT_VERSION = 1

_MAGIC = b"slstm-lm"
_PREFIX = struct.Struct("<8sIII")
_ALIGNMENT = 64


@dataclass(frozen=True)
class PackedModel:
    """The content of a packed file.

    Attributes:
        trie: The n-grams, memory-mapped from the file.
        alphabet_sha256: SHA-256 of the alphabet of the words; None: not known.
    """

    trie: Trie
    alphabet_sha256: str | None


@dataclass(frozen=True)
class _Header:
    """The header of a packed file.

    Attributes:
        num_ngrams: As in `Trie`, like num_states, start_state and sentence_end.
        vocabulary_bytes: Length of the vocabulary.
        quantized: Whether log_probs and backoffs are codes.
        alphabet_sha256: As in `PackedModel`.
        crc32: CRC-32 of the arrays.
        writer: Name and version of the program that wrote it.
    """

    num_ngrams: tuple[int, ...]
    num_states: tuple[int, ...]
    start_state: int
    sentence_end: int
    vocabulary_bytes: int
    quantized: bool
    alphabet_sha256: str | None
    crc32: int
    writer: str

    @classmethod
    def parse(cls, text: bytes) -> "_Header":
        """The header from untrusted JSON.

        Raises:
            ValueError: A value is missing, unknown or wrong.
        """
        values = parse_json(text)
        names = [field.name for field in fields(cls)]
        if not isinstance(values, dict) or set(values) != set(names):
            raise ValueError(f"must have {', '.join(names)}")
        for name in ("num_ngrams", "num_states"):
            if not isinstance(values[name], list):
                raise ValueError(f"{name} must be a list, is {quoted(values[name])}")
            values[name] = tuple(values[name])
        header = cls(**values)
        header._check()
        return header

    def _check(self) -> None:
        sizes = self.num_ngrams, self.num_states
        counts = (*self.num_ngrams, *self.num_states, self.vocabulary_bytes, self.crc32)
        if not all(type(count) is int and 0 <= count < 1 << 32 for count in counts):
            raise ValueError(f"sizes must be whole numbers below 2^32, are {quoted(sizes)}")
        # A state is the empty context or an n-gram below the highest order.
        if not 1 <= len(self.num_ngrams) == len(self.num_states) <= MAX_ORDER or any(
            states > ngrams
            for states, ngrams in zip(self.num_states, (1, *self.num_ngrams), strict=False)
        ):
            raise ValueError(f"numbers of n-grams and states cannot be {quoted(sizes)}")
        for name, limit in (
            ("start_state", sum(self.num_states)),
            ("sentence_end", self.num_ngrams[0]),
        ):
            value = getattr(self, name)
            if type(value) is not int or not 0 <= value < limit:
                raise ValueError(f"{name} must be below {limit}, is {quoted(value)}")
        if type(self.quantized) is not bool:
            raise ValueError(f"quantized must be true or false, is {quoted(self.quantized)}")
        if self.alphabet_sha256 is not None and not isinstance(self.alphabet_sha256, str):
            raise ValueError(
                f"alphabet_sha256 must be a string or null, is {quoted(self.alphabet_sha256)}"
            )

    def arrays(self) -> Iterator[tuple[str, DTypeLike, tuple[int, ...]]]:
        """Name, type and shape of each array, in the order of the file."""
        num_nodes, num_states = sum(self.num_ngrams), sum(self.num_states)
        value = "u1" if self.quantized else "<f4"
        yield "vocabulary", "u1", (self.vocabulary_bytes,)
        yield "words", "<u2" if self.num_ngrams[0] <= 2**16 else "<u4", (num_nodes,)
        yield "log_probs", value, (num_nodes,)
        yield "contexts", "<u4", (num_states,)
        yield "children", "<u4", (num_states + 1,)
        yield "suffixes", "<u4", (num_states,)
        yield "backoffs", value, (num_states,)
        yield "codebooks", "<f4", (2 * len(self.num_ngrams) if self.quantized else 0, NUM_CODES)


def write_packed(path: Path, trie: Trie, alphabet_sha256: str | None) -> None:
    """Write a packed file atomically.

    Raises:
        OSError: The file cannot be written; an existing one is untouched.
    """
    header = _Header(
        num_ngrams=trie.num_ngrams,
        num_states=trie.num_states,
        start_state=trie.start_state,
        sentence_end=trie.sentence_end,
        vocabulary_bytes=len(trie.vocabulary),
        quantized=trie.is_quantized,
        alphabet_sha256=alphabet_sha256,
        crc32=0,
        writer=f"speechlstm {__version__}",
    )
    arrays = b"".join(
        data.ljust(_aligned(len(data)), b"\0")
        for name, dtype, _ in header.arrays()
        for data in [np.ascontiguousarray(getattr(trie, name), dtype).tobytes()]
    )
    text = json.dumps(asdict(replace(header, crc32=zlib.crc32(arrays)))).encode()
    text = text.ljust(_aligned(_PREFIX.size + len(text)) - _PREFIX.size)
    prefix = _PREFIX.pack(_MAGIC, FORMAT_VERSION, len(text), zlib.crc32(text))
    write_atomically(path, prefix + text + arrays)


def open_packed(path: Path) -> PackedModel:
    """Map a packed file into memory. Only its header is read.

    Raises:
        LanguageModelError: The file cannot be read, is not a packed language model, or is damaged,
            truncated or of another version.
    """
    data, header, start = _map(path)
    stop = start + sum(_aligned(_num_bytes(*array)) for array in header.arrays())
    if stop != len(data):
        raise LanguageModelError(path, f"has {len(data)} bytes instead of {stop}: truncated?")
    arrays: dict[str, NDArray[Any]] = {}
    for name, dtype, shape in header.arrays():
        arrays[name] = np.frombuffer(data, dtype, math.prod(shape), start).reshape(shape)
        start += _aligned(_num_bytes(name, dtype, shape))
    if not np.isfinite(arrays["codebooks"]).all():
        raise LanguageModelError(path, "is damaged: a codebook has values that are not finite")
    trie = Trie(
        header.num_ngrams, header.num_states, header.start_state, header.sentence_end, **arrays
    )
    return PackedModel(trie, header.alphabet_sha256)


def verify_packed(path: Path) -> None:
    """Read a packed file completely and verify its checksum.

    Raises:
        LanguageModelError: As in `open_packed`, or the arrays are damaged.
    """
    data, header, start = _map(path)
    if zlib.crc32(memoryview(data)[start:]) != header.crc32:
        raise LanguageModelError(path, "is damaged: its checksum differs")


def _map(path: Path) -> tuple[mmap.mmap, _Header, int]:
    """The memory-mapped file, its header, and the position of its arrays."""
    try:
        with open_regular_file(path) as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise LanguageModelError(path, f"cannot be read: {error.strerror}") from error
    except ValueError as error:  # an empty file cannot be mapped
        raise LanguageModelError(path, "is empty") from error
    if data[: len(_MAGIC)] != _MAGIC:
        kind = identify(data[:HEAD_BYTES])
        raise LanguageModelError(path, f"is not a packed language model but {kind}")
    if len(data) < _PREFIX.size:
        raise LanguageModelError(path, "is not a packed language model: it is truncated")
    _, version, size, checksum = _PREFIX.unpack_from(data)
    if version != FORMAT_VERSION:
        raise LanguageModelError(
            path,
            f"has format version {version}, but speechlstm {__version__} reads version "
            f"{FORMAT_VERSION}; build it again",
        )
    text = data[_PREFIX.size : _PREFIX.size + size]
    if zlib.crc32(text) != checksum:
        raise LanguageModelError(path, "is damaged: the checksum of its header differs")
    start = _PREFIX.size + size
    if start % _ALIGNMENT:
        raise LanguageModelError(path, "is damaged: its arrays are not aligned")
    try:
        return data, _Header.parse(text), start
    except ValueError as error:
        raise LanguageModelError(path, f"has a wrong header: {error}") from None


def _num_bytes(name: str, dtype: DTypeLike, shape: tuple[int, ...]) -> int:
    return np.dtype(dtype).itemsize * math.prod(shape)


def _aligned(num_bytes: int) -> int:
    return -(-num_bytes // _ALIGNMENT) * _ALIGNMENT
