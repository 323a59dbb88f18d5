"""Scalars as TensorBoard reads them, written without TensorBoard and without TensorFlow.

So a run on torch or jax does not need TensorFlow. A file is a sequence of TFRecords
(tensorflow/core/lib/io/record_writer.h), each an Event message (tensorflow/core/util/event.proto,
https://protobuf.dev/programming-guides/encoding).
"""

import struct
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self


class EventWriter:
    """An event file.

    Args:
        folder: Where TensorBoard looks; created if missing. Each writer adds a file of its own.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"events.out.tfevents.{time.time_ns()}.speechlstm"
        self._file = path.open("xb")
        self._write(_field(3, b"brain.Event:2"))  # file_version

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, step: int, scalars: Mapping[str, float]) -> None:
        """Add one value of each scalar."""
        values = [  # tag, simple_value
            _field(1, tag.encode()) + struct.pack("<Bf", 2 << 3 | 5, value)
            for tag, value in scalars.items()
        ]
        summary = b"".join(_field(1, value) for value in values)
        self._write(struct.pack("<B", 2 << 3) + _varint(step) + _field(5, summary))

    def _write(self, fields: bytes) -> None:
        event = struct.pack("<Bd", 1 << 3 | 1, time.time()) + fields  # wall_time first
        length = struct.pack("<Q", len(event))
        self._file.write(length + _checksum(length) + event + _checksum(event))


def _field(number: int, content: bytes) -> bytes:
    """A field of a message that is a text or a message itself."""
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """A number in groups of seven bits, the lowest first; all but the last have the eighth set."""
    groups = []
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])


def _checksum(data: bytes) -> bytes:
    """CRC-32C, rotated and shifted so that data may hold checksums itself."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
