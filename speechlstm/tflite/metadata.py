"""The description inside a .tflite file, which makes the file usable on its own.

It is JSON in the buffer of the `Metadata` entry "speechlstm", where TensorFlow Lite's tools expect
such data (`Model.metadata` in TensorFlow Lite's schema.fbs). The file ends with the SHA-256 of
everything before it, so that damage is detected. Readers of FlatBuffers ignore bytes after the end.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from speechlstm.errors import BundleError
from speechlstm.storage import parse_json, read_regular_file
from speechlstm.tflite import schema
from speechlstm.tflite.flatbuffer import FlatBuffer

NAME = "speechlstm"

_ALIGNMENT = 16  # of weights, relative to the start of the file
_DIGEST_BYTES = hashlib.sha256().digest_size


def embed_metadata(tflite: bytes, metadata: Mapping[str, Any]) -> bytes:
    """The model with its description embedded; an existing description is replaced.

    Offsets in FlatBuffers only point forward. Therefore the new entries and a new root are put in
    front of the model, whose bytes stay as the converter wrote them, with its weights aligned.

    Raises:
        ValueError: The bytes are not a TensorFlow Lite model, or metadata is not JSON.
    """
    description = dump_json(metadata)
    try:
        content = _with_metadata(tflite, description)
    except ValueError as error:
        raise ValueError(f"not a TensorFlow Lite model: {error}") from None
    return content + hashlib.sha256(content).digest()


def read_metadata(path: Path) -> dict[str, Any]:
    """The description inside a .tflite file, as embedded by embed_metadata.

    Raises:
        BundleError: The file is missing, damaged, or not written by speechlstm.
    """
    return read_described(path)[1]


def read_described(path: Path) -> tuple[bytes, dict[str, Any]]:
    """The content of a .tflite file and the description inside; raises as read_metadata does."""
    try:
        data = read_regular_file(path)
    except OSError as error:
        raise BundleError(path, error.strerror or str(error)) from None
    digest = hashlib.sha256(memoryview(data)[:-_DIGEST_BYTES]).digest()
    if data[-_DIGEST_BYTES:] != digest:
        raise BundleError(
            path, "not a .tflite file that speechlstm wrote, or damaged: wrong checksum at its end"
        )
    try:
        return data, load_json(_embedded(data))
    except ValueError as error:
        raise BundleError(path, f"has no description of the model inside: {error}") from None


def dump_json(values: Mapping[str, Any]) -> bytes:
    """JSON in UTF-8, indented, with finite numbers only."""
    return (json.dumps(values, ensure_ascii=False, allow_nan=False, indent=1) + "\n").encode()


def load_json(data: bytes) -> dict[str, Any]:
    """The object in untrusted JSON.

    Raises:
        ValueError: The data is not UTF-8, not JSON, nested too deeply or not an object, or has a
            value that dump_json would not write: NaN, infinity, half of a surrogate pair.
    """
    values = parse_json(data)
    dump_json(values)
    if not isinstance(values, dict):
        raise ValueError("not a JSON object")
    return values


def _with_metadata(tflite: bytes, description: bytes) -> bytes:
    # Imported here because both take time, and only writers of models need them.
    from ai_edge_litert import schema_py_generated as generated
    from flatbuffers import Builder

    model = FlatBuffer(tflite, schema.IDENTIFIER).root()
    buffers = [buffer.position for buffer in model.tables(schema.Model.BUFFERS)]
    others = [
        entry.position
        for entry in model.tables(schema.Model.METADATA)
        if entry.text(schema.Metadata.NAME) != NAME
    ]
    builder = Builder(0)
    # A builder fills its bytes from the end to the start, and counts positions from the end.
    builder.Bytes = bytearray(tflite + bytes(-len(tflite) % _ALIGNMENT))
    end = len(builder.Bytes)
    builder.Prep(_ALIGNMENT, 0)

    data = builder.CreateByteVector(description)
    generated.BufferStart(builder)
    generated.BufferAddData(builder, data)
    buffer = generated.BufferEnd(builder)

    name = builder.CreateString(NAME)
    generated.MetadataStart(builder)
    generated.MetadataAddName(builder, name)
    generated.MetadataAddBuffer(builder, len(buffers))
    entry = generated.MetadataEnd(builder)

    buffers_vector = _vector(builder, [*(end - position for position in buffers), buffer])
    metadata_vector = _vector(builder, [*(end - position for position in others), entry])
    generated.ModelStart(builder)
    generated.ModelAddVersion(builder, model.number(schema.Model.VERSION, "I"))
    for field, add in (
        (schema.Model.OPERATOR_CODES, generated.ModelAddOperatorCodes),
        (schema.Model.SUBGRAPHS, generated.ModelAddSubgraphs),
        (schema.Model.DESCRIPTION, generated.ModelAddDescription),
        (schema.Model.METADATA_BUFFER, generated.ModelAddMetadataBuffer),
        (schema.Model.SIGNATURE_DEFS, generated.ModelAddSignatureDefs),
    ):
        if model.has(field):
            add(builder, end - model.target(field))
    generated.ModelAddBuffers(builder, buffers_vector)
    generated.ModelAddMetadata(builder, metadata_vector)
    builder.Finish(generated.ModelEnd(builder), schema.IDENTIFIER)
    return bytes(builder.Output())


def _vector(builder: Any, positions: Sequence[int]) -> int:
    builder.StartVector(4, len(positions), 4)
    for position in reversed(positions):
        builder.PrependUOffsetTRelative(position)
    return int(builder.EndVector())


def _embedded(data: bytes) -> bytes:
    model = FlatBuffer(data, schema.IDENTIFIER).root()
    for entry in model.tables(schema.Model.METADATA):
        if entry.text(schema.Metadata.NAME) == NAME:
            index = entry.number(schema.Metadata.BUFFER, "I")
            buffers = model.tables(schema.Model.BUFFERS)
            if index < len(buffers):
                start, num_bytes = buffers[index].vector(schema.Buffer.DATA, 1)
                return data[start : start + num_bytes]
    raise ValueError(f"no metadata entry named {NAME!r}")
