"""The description inside a .tflite file, by which the file alone suffices.

It is JSON in the buffer of a `Metadata` entry named "speechlstm", where TensorFlow Lite's own tools
look for such things (`Model.metadata` in TensorFlow Lite's schema.fbs). The file ends with the
SHA-256 of all that comes before, so that damage is found and named as such. Readers of FlatBuffers
ignore bytes at the end.
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
    """The model with its description inside; one that was there is replaced.

    FlatBuffers point forward only. So new entries and a new root go in front of the model, whose
    own bytes, and with them the alignment of its weights, stay as the converter wrote them.

    Args:
        tflite: A TensorFlow Lite model.
        metadata: Plain JSON values.

    Raises:
        ValueError: The bytes are no TensorFlow Lite model, or metadata is not JSON.
    """
    description = dump_json(metadata)
    try:
        content = _with_metadata(tflite, description)
    except ValueError as error:
        raise ValueError(f"not a TensorFlow Lite model: {error}") from None
    return content + hashlib.sha256(content).digest()


def read_metadata(path: Path) -> dict[str, Any]:
    """The description inside a .tflite file, as embed_metadata put it there.

    Raises:
        BundleError: The file is missing, damaged, or not written by this project.
    """
    return read_described(path)[1]


def read_described(path: Path) -> tuple[bytes, dict[str, Any]]:
    """A .tflite file's content and the description inside; raises as read_metadata."""
    try:
        data = read_regular_file(path)
    except OSError as error:
        raise BundleError(path, error.strerror or str(error)) from None
    digest = hashlib.sha256(memoryview(data)[:-_DIGEST_BYTES]).digest()
    if data[-_DIGEST_BYTES:] != digest:
        raise BundleError(path, "damaged, or not written by speechlstm: wrong checksum at its end")
    try:
        return data, load_json(_embedded(data))
    except ValueError as error:
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
    values = parse_json(data)
    dump_json(values)
    if not isinstance(values, dict):
        raise ValueError("not a JSON object")
    return values


def _with_metadata(tflite: bytes, description: bytes) -> bytes:
    # Imported here, by those who write a model: both take time that a reader need not spend.
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
    # A builder writes from the end of its bytes to their start and counts positions from the end.
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
