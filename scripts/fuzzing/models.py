"""Damaged .tflite files with correct checksums, so that the checks after it are tested."""

import hashlib
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import Builder
from numpy.random import Generator

from fuzzing.mutate import NUMBERS, changed_json, damaged
from speechlstm.tflite.metadata import embed_metadata
from speechlstm.tflite.operators import OPERATORS

_DIGEST_BYTES = 32


def damaged_model(rng: Generator, model: bytes, description: Any) -> bytes:
    """Change some bytes, some objects or the description of a model.

    Args:
        rng: The source of the random numbers.
        model: The .tflite file, as the converter wrote it.
        description: The metadata to embed.
    """
    kind = rng.integers(8)
    if kind == 0:
        return sealed(damaged(rng, embed_metadata(model, description)[:-_DIGEST_BYTES]))
    if kind == 1:
        return embed_metadata(model, changed_json(rng, description))
    objects = schema.ModelT.InitFromPackedBuf(model)
    builder = Builder()
    try:
        for _ in range(int(rng.integers(1, 4))):
            _EDITS[rng.integers(len(_EDITS))](rng, objects)
        builder.Finish(objects.Pack(builder), b"TFL3")
    except Exception:  # noqa: BLE001 (an edit may make the next one impossible: keep the model)
        return embed_metadata(model, description)
    return embed_metadata(bytes(builder.Output()), description)


def sealed(content: bytes) -> bytes:
    """Append the checksum."""
    return content + hashlib.sha256(content).digest()


def _any(rng: Generator, items: Any) -> Any:
    return items[rng.integers(len(items))]


def _graph(rng: Generator, model: Any) -> Any:
    return _any(rng, model.subgraphs)


def _index(rng: Generator, graph: Any) -> int:
    """The number of a tensor; in most cases a valid one."""
    if rng.random() < 0.2:
        return int(np.clip(_any(rng, NUMBERS), -(2**31), 2**31 - 1))
    return int(rng.integers(len(graph.tensors)))


def _edit_inputs(rng: Generator, model: Any) -> None:
    graph = _graph(rng, model)
    op = _any(rng, graph.operators)
    field = "inputs" if rng.random() < 0.7 else "outputs"
    indices = list(getattr(op, field))
    kind = rng.integers(4)
    if kind == 0:
        indices.append(_index(rng, graph))
    elif kind == 1 and indices:
        indices.pop()
    elif indices:
        indices[rng.integers(len(indices))] = _index(rng, graph)
    setattr(op, field, np.array(indices, np.int32))


def _edit_ends(rng: Generator, model: Any) -> None:
    graph = _graph(rng, model)
    field = "inputs" if rng.random() < 0.5 else "outputs"
    indices = list(getattr(graph, field))
    if indices:
        indices[rng.integers(len(indices))] = _index(rng, graph)
    setattr(graph, field, np.array(indices, np.int32))


def _edit_order(rng: Generator, model: Any) -> None:
    operators = _graph(rng, model).operators
    first, second = rng.integers(len(operators), size=2)
    kind = rng.integers(3)
    if kind == 0:
        operators[first], operators[second] = operators[second], operators[first]
    elif kind == 1:
        del operators[first]
    else:
        operators.insert(second, operators[first])


def _edit_kind(rng: Generator, model: Any) -> None:
    if rng.random() < 0.5:
        op = _any(rng, _graph(rng, model).operators)
        op.opcodeIndex = int(rng.integers(len(model.operatorCodes) + 1))
    else:
        code = _any(rng, model.operatorCodes)
        code.builtinCode = _any(rng, list(OPERATORS))
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = int(rng.integers(1, 6))


def _edit_shape(rng: Generator, model: Any) -> None:
    tensor = _any(rng, _graph(rng, model).tensors)
    for field in ("shape", "shapeSignature"):
        sizes = getattr(tensor, field)
        if sizes is None or not len(sizes) or rng.random() < 0.5:
            continue
        sizes = list(sizes)
        kind = rng.integers(4)
        if kind == 0:
            sizes.pop()
        elif kind == 1:
            sizes.append(1)
        elif kind == 2:
            rng.shuffle(sizes)
        else:
            sizes[rng.integers(len(sizes))] = int(rng.integers(-1, 70))
        setattr(tensor, field, np.array(sizes, np.int32))


def _edit_tensor(rng: Generator, model: Any) -> None:
    tensor = _any(rng, _graph(rng, model).tensors)
    kind = rng.integers(4)
    if kind == 0:
        tensor.type = int(rng.integers(20))
    elif kind == 1:
        tensor.buffer = int(rng.integers(len(model.buffers) + 1))
    elif kind == 2:
        tensor.isVariable = not tensor.isVariable
    else:
        tensor.quantization = schema.QuantizationParametersT(
            scale=[float(value) for value in rng.normal(size=rng.integers(4))],
            zeroPoint=[int(value) for value in rng.integers(-2, 3, size=rng.integers(4))],
            quantizedDimension=int(rng.integers(-1, 4)),
        )


def _edit_constant(rng: Generator, model: Any) -> None:
    """Change a number of an integer constant, such as a shape, an axis or an index."""
    tensors = [
        tensor
        for graph in model.subgraphs
        for tensor in graph.tensors
        if tensor.type == schema.TensorType.INT32 and model.buffers[tensor.buffer].data is not None
    ]
    if not tensors:
        return
    buffer = model.buffers[_any(rng, tensors).buffer]
    values = np.frombuffer(bytes(buffer.data), np.int32).copy()
    if len(values):
        number = int(rng.integers(-4, 8)) if rng.random() < 0.7 else _any(rng, NUMBERS)
        values[rng.integers(len(values))] = np.int64(number).astype(np.int32)
    buffer.data = values.view(np.uint8)


def _edit_weights(rng: Generator, model: Any) -> None:
    """Replace some weights by NaN, infinity or large numbers."""
    buffers = [buffer for buffer in model.buffers if buffer.data is not None]
    buffer = _any(rng, buffers)
    data = np.array(buffer.data, np.uint8)
    if len(data) % 4 == 0 and len(data):
        values = data.view(np.float32)
        number = (np.nan, np.inf, -np.inf, 1e38, -1e38, 0.0)[rng.integers(6)]
        values[rng.integers(len(values), size=1 + len(values) // 4)] = number
    buffer.data = data


def _edit_options(rng: Generator, model: Any) -> None:
    op = _any(rng, _graph(rng, model).operators)
    options = op.builtinOptions
    if options is None or not vars(options) or rng.random() < 0.1:
        op.builtinOptionsType = int(rng.integers(127))
        return
    field = _any(rng, sorted(vars(options)))
    value = getattr(options, field)
    if isinstance(value, bool):
        setattr(options, field, not value)
    elif isinstance(value, int | float):
        setattr(options, field, type(value)(int(rng.integers(-4, 100))))


def _edit_signature(rng: Generator, model: Any) -> None:
    signature = _any(rng, model.signatureDefs)
    entry = _any(rng, [*signature.inputs, *signature.outputs])
    if rng.random() < 0.5:
        entry.tensorIndex = max(0, _index(rng, model.subgraphs[0]))
    else:
        entry.name = _any(rng, (b"", b"h", b"c", b"output_0", b"\xff\n"))


_EDITS = (
    _edit_inputs, _edit_inputs, _edit_ends, _edit_order, _edit_kind, _edit_shape, _edit_shape,
    _edit_tensor, _edit_constant, _edit_constant, _edit_constant, _edit_weights, _edit_options,
    _edit_options, _edit_signature,
)  # fmt: skip
