"""The description inside a .tflite file, by which the file alone suffices.

It is JSON in the buffer of a `Metadata` entry named "speechlstm", where TensorFlow Lite's own tools
look for such things (`Model.metadata` in TensorFlow Lite's schema.fbs). The file ends with the
SHA-256 of all that comes before: LiteRT trusts the offsets it reads and crashes on damaged ones, so
damage has to be found first. Readers of FlatBuffers ignore bytes at the end.
"""

import hashlib
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flatbuffers import Builder
from flatbuffers.table import Table

from speechlstm.errors import BundleError

NAME = "speechlstm"

_IDENTIFIER = b"TFL3"
_ALIGNMENT = 16  # of weights, relative to the start of the file
_DIGEST_BYTES = hashlib.sha256().digest_size

# Fields of the tables in schema.fbs, by their number.
_MODEL_FIELDS, _VERSION, _BUFFERS, _METADATA = 10, 0, 4, 6
_METADATA_NAME, _METADATA_BUFFER = 0, 1
_BUFFER_DATA = 0


def embed_metadata(tflite: bytes, metadata: Mapping[str, Any]) -> bytes:
    """The model with its description inside; one that was there is replaced.

    FlatBuffers point forward only. So new entries and a new root go in front of the model, whose
    own bytes, and with them the alignment of its weights, stay as the converter wrote them.

    Args:
        tflite: A TensorFlow Lite model.
        metadata: Plain JSON values.

    Raises:
        ValueError: The bytes are no TensorFlow Lite model, or metadata is not JSON.
    """
    try:
        return _sealed(_with_metadata(tflite, dump_json(metadata)))
    except (struct.error, TypeError) as error:
        raise ValueError(f"not a TensorFlow Lite model: {error}") from None


def read_metadata(path: Path) -> dict[str, Any]:
    """The description inside a .tflite file, as embed_metadata put it there.

    Raises:
        BundleError: The file is missing, damaged, or not written by this project.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BundleError(path, error.strerror or str(error)) from None
    content, digest = data[:-_DIGEST_BYTES], data[-_DIGEST_BYTES:]
    if hashlib.sha256(content).digest() != digest:
        raise BundleError(path, "damaged, or not written by speechlstm: wrong checksum at its end")
    try:
        return load_json(_embedded(content))
    except (struct.error, TypeError, ValueError) as error:
        raise BundleError(path, f"no description of the model inside: {error}") from None


def dump_json(values: Mapping[str, Any]) -> bytes:
    """JSON for machines and people: UTF-8, indented, numbers finite."""
    return (json.dumps(values, ensure_ascii=False, allow_nan=False, indent=1) + "\n").encode()


def load_json(data: bytes) -> dict[str, Any]:
    """An object from JSON that nobody has checked.

    Raises:
        ValueError: Not UTF-8, not JSON, nested beyond reason, not an object, or it holds what
            dump_json would not write: NaN, infinity, half a surrogate pair.
    """
    try:
        values = json.loads(data.decode())
        dump_json(values)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(values, dict):
        raise ValueError("not a JSON object")
    return values


def _with_metadata(tflite: bytes, description: bytes) -> bytes:
    model = _root(tflite)
    buffers = _tables(model, _BUFFERS)
    entries = [entry for entry in _tables(model, _METADATA) if _name(entry) != NAME]

    builder = Builder(0)
    # A builder writes from the end of its bytes to their start and counts positions from the end.
    builder.Bytes = bytearray(tflite + bytes(-len(tflite) % _ALIGNMENT))
    end = len(builder.Bytes)
    builder.Prep(_ALIGNMENT, 0)

    data = builder.CreateByteVector(description)
    builder.StartObject(1)
    builder.PrependUOffsetTRelativeSlot(_BUFFER_DATA, data, 0)
    buffer = builder.EndObject()

    name = builder.CreateString(NAME)
    builder.StartObject(2)
    builder.PrependUOffsetTRelativeSlot(_METADATA_NAME, name, 0)
    builder.PrependUint32Slot(_METADATA_BUFFER, len(buffers), 0)
    entry = builder.EndObject()

    fields = {
        _BUFFERS: _vector(builder, [*(end - b.Pos for b in buffers), buffer]),
        _METADATA: _vector(builder, [*(end - e.Pos for e in entries), entry]),
    }
    for field in range(1, _MODEL_FIELDS):
        if field not in fields and (offset := _offset(model, field)):
            fields[field] = end - model.Indirect(model.Pos + offset)
    builder.StartObject(_MODEL_FIELDS)
    version = _offset(model, _VERSION)
    builder.PrependUint32Slot(_VERSION, _uint32(tflite, model.Pos + version) if version else 0, 0)
    for field, position in fields.items():
        builder.PrependUOffsetTRelativeSlot(field, position, 0)
    builder.Finish(builder.EndObject(), _IDENTIFIER)
    return bytes(builder.Output())


def _sealed(content: bytes) -> bytes:
    return content + hashlib.sha256(content).digest()


def _embedded(tflite: bytes) -> bytes:
    model = _root(tflite)
    for entry in _tables(model, _METADATA):
        if _name(entry) == NAME:
            field = _offset(entry, _METADATA_BUFFER)
            index = _uint32(tflite, entry.Pos + field) if field else 0
            buffers = _tables(model, _BUFFERS)
            if index < len(buffers):
                return _bytes(buffers[index], _BUFFER_DATA)
    raise ValueError(f"no metadata entry named {NAME!r}")


def _root(tflite: bytes) -> Table:
    if tflite[4:8] != _IDENTIFIER:
        raise ValueError("not a TensorFlow Lite model: no TFL3 at byte 4")
    return Table(tflite, _uint32(tflite, 0))


def _offset(table: Table, field: int) -> int:
    """Where a field is, from the start of its table; 0 if the table lacks it."""
    return int(table.Offset(4 + 2 * field))


def _tables(table: Table, field: int) -> list[Table]:
    """The tables in a vector of tables."""
    if not (offset := _offset(table, field)):
        return []
    first, num = table.Vector(offset), table.VectorLen(offset)
    if first + 4 * num > len(table.Bytes):
        raise ValueError("a vector reaches past the end")
    return [Table(table.Bytes, table.Indirect(first + 4 * k)) for k in range(num)]


def _bytes(table: Table, field: int) -> bytes:
    if not (offset := _offset(table, field)):
        return b""
    first = table.Vector(offset)
    return bytes(table.Bytes[first : first + table.VectorLen(offset)])


def _name(entry: Table) -> str:
    return _bytes(entry, _METADATA_NAME).decode(errors="replace")


def _vector(builder: Builder, positions: list[int]) -> int:
    builder.StartVector(4, len(positions), 4)
    for position in reversed(positions):
        builder.PrependUOffsetTRelative(position)
    return int(builder.EndVector())


def _uint32(data: bytes, position: int) -> int:
    return int(struct.unpack_from("<I", data, position)[0])
