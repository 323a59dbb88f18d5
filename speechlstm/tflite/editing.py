"""Reads .tflite files into objects that can be changed, and writes them.

Unlike flatbuffer.py, this checks nothing: it is for files that check_model has passed, or that
speechlstm is just making. The classes of the objects are named after the tables of schema.fbs, with
a T at their ends.
"""

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import Builder
from numpy.typing import NDArray

from speechlstm.tflite import four_bits

_ALIGNMENT = 16  # bytes
_MORE_BYTES = 1 << 16  # that a file has besides its buffers; a builder that grows is slow
_DTYPES = {  # of floating-point numbers, and of those that have a scale
    schema.TensorType.FLOAT32: np.float32,
    schema.TensorType.FLOAT16: np.float16,
    schema.TensorType.INT8: np.int8,
    schema.TensorType.INT4: np.uint8,  # two of them
}


class Buffer(schema.BufferT):  # type: ignore[misc]  # generated code has no types
    """A buffer with the alignment of schema.fbs (force_align: 16), which generated code ignores."""

    def Pack(self, builder: Builder) -> int:  # noqa: N802  (the name in the generated code)
        """Write the buffer."""
        builder.Prep(_ALIGNMENT, len(self.data))
        data = builder.CreateByteVector(self.data.tobytes())
        schema.BufferStart(builder)
        schema.BufferAddData(builder, data)
        return int(schema.BufferEnd(builder))


def parse(tflite: bytes) -> Any:
    """The ModelT of a file."""
    model = schema.ModelT.InitFromPackedBuf(tflite)
    model.buffers = [b if b.data is None else Buffer(b.data) for b in model.buffers]
    return model


def pack(model: Any) -> bytes:
    """The content of a file, without the buffers that nothing uses."""
    used = {tensor.buffer for graph in model.subgraphs for tensor in graph.tensors}
    used |= {entry.buffer for entry in model.metadata or []}
    model.buffers = [b if i in used else schema.BufferT() for i, b in enumerate(model.buffers)]
    num_bytes = sum(len(buffer.data) for buffer in model.buffers if buffer.data is not None)
    builder = Builder(num_bytes + _MORE_BYTES)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def code_of(model: Any, op: Any) -> int:
    """What an operator computes, a BuiltinOperator."""
    return int(model.operatorCodes[op.opcodeIndex].builtinCode)


def constant(model: Any, tensor: Any) -> tuple[NDArray[Any], NDArray[np.float32]] | None:
    """The values of a tensor as they are stored, and the scales by which they are multiplied.

    Returns:
        The values in the tensor's shape and the scales, (1, 1) or (num_rows, 1); None: it is not a
        constant, or has other numbers.
    """
    data = model.buffers[tensor.buffer].data
    if data is None or tensor.type not in _DTYPES:
        return None
    values = data.view(_DTYPES[tensor.type])
    if tensor.type == schema.TensorType.INT4:
        values = four_bits.unpack(values, int(np.prod(tensor.shape)))
    scales = tensor.quantization and tensor.quantization.scale
    ones = np.ones(1) if scales is None else scales
    return values.reshape(tensor.shape), np.float32(ones).reshape(-1, 1)
