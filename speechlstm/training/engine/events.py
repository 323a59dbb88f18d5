"""TensorBoard event files of scalars, written without TensorBoard or TensorFlow.

So a run on torch or jax needs no TensorFlow. A file is a sequence of TFRecords
(tensorflow/core/lib/io/record_writer.h), each an Event message (tensorflow/core/util/event.proto,
https://protobuf.dev/programming-guides/encoding).
"""

import struct
import time
from collections.abc import Mapping
from pathlib import Path

# TensorBoard reads files in the order of their names: those of earlier versions come before this.
_NAME = "events.out.tfevents.run"
_VERSION = b"brain.Event:2"


def write_events(folder: Path, step: int, scalars: Mapping[str, float]) -> None:
    """Append the scalars of a step to the event file of a run.

    Values of this and later steps that the file already holds are removed: a run that was killed
    and resumed from an earlier checkpoint writes them again. An incomplete record at the end is
    removed, too.

    Args:
        folder: The log folder for TensorBoard; created if it is missing.
        step: The step of the values, counted from 1.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_events(Path(folder), 1, {"loss": 3.5})
    ...     print(*[path.name for path in Path(folder).iterdir()])
    events.out.tfevents.run
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _NAME
    kept = _length_before(path.read_bytes(), step) if path.exists() else 0
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.truncate(kept)
        file.seek(kept)
        if not kept:
            file.write(_record(_field(3, _VERSION)))  # file_version
        values = [  # tag, simple_value
            _field(1, tag.encode()) + struct.pack("<Bf", 2 << 3 | 5, value)
            for tag, value in scalars.items()
        ]
        summary = b"".join(_field(1, value) for value in values)
        file.write(_record(struct.pack("<B", 2 << 3) + _varint(step) + _field(5, summary)))


def _record(fields: bytes) -> bytes:
    event = struct.pack("<Bd", 1 << 3 | 1, time.time()) + fields  # wall_time first
    length = struct.pack("<Q", len(event))
    return length + _checksum(length) + event + _checksum(event)


def _length_before(content: bytes, step: int) -> int:
    """The number of bytes of complete records before the first one of this or a later step."""
    end = 0
    while len(content) >= end + 12:
        (size,) = struct.unpack_from("<Q", content, end)
        event = content[end + 12 : end + 12 + size]
        if content[end + 12 + size : end + 16 + size] != _checksum(event):
            break
        if event[9:10] == b"\x10" and _read_varint(event[10:]) >= step:  # field 2, behind wall_time
            break
        end += 16 + size
    return end


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited field of a message: a text or an embedded message."""
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """A number in groups of seven bits, lowest first; bit 8 is set in all groups but the last."""
    groups = []
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])


def _read_varint(data: bytes) -> int:
    value = 0
    for place, byte in enumerate(data):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            break
    return value


def _checksum(data: bytes) -> bytes:
    """The masked CRC-32C of TFRecord: rotated and shifted, since data may itself hold CRCs."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
