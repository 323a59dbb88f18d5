"""Edits of a TensorFlow Lite file that the converter does not offer: cell clipping, quantization.

The schema is https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from speechlstm.tflite import four_bits
from speechlstm.tflite.editing import Buffer, code_of, pack, parse

Quantization = Literal["none", "float16", "int8", "int4"]

_OPS = {code: name for name, code in vars(schema.BuiltinOperator).items() if name.isupper()}
_LSTM = schema.BuiltinOperator.UNIDIRECTIONAL_SEQUENCE_LSTM
_WHILE = schema.BuiltinOperator.WHILE
_FULLY_CONNECTED = schema.BuiltinOperator.FULLY_CONNECTED
_DEQUANTIZE = schema.BuiltinOperator.DEQUANTIZE
_GATHER = schema.BuiltinOperator.GATHER


def count_ops(tflite: bytes) -> Counter[str]:
    """Count the operators of a file by name; a custom operator counts under its own name.

    >>> from pathlib import Path
    >>> count_ops(Path("speechlstm/assets/english/pronouncer.tflite").read_bytes())["GATHER"]
    3
    """
    model = parse(tflite)
    names = [
        (code.customCode or b"CUSTOM").decode()
        if code.builtinCode == schema.BuiltinOperator.CUSTOM
        else _OPS[code.builtinCode]
        for code in model.operatorCodes
    ]
    return Counter(names[op.opcodeIndex] for graph in model.subgraphs for op in graph.operators)


def without_cell_clip(tflite: bytes) -> bytes:
    """Return the file with unbounded LSTM cells, as in Keras: the converter clips them to -10..10.

    The cells of trained models leave this range: clipping them changed a log-probability by 1.6.
    """
    model = parse(tflite)
    for graph in model.subgraphs:
        for op in graph.operators:
            if code_of(model, op) == _LSTM:
                op.builtinOptions.cellClip = 0.0  # no clipping
    return pack(model)


def quantize(
    tflite: bytes,
    quantization: Quantization,
    all_kernels: bool = False,
    output_kernels: bool = False,
) -> bytes:
    """Return the file with quantized kernels of its recurrent layers; the rest remains float32.

    The converter would quantize every large constant, the mel filters included, but these multiply
    power spectra, which span ten orders of magnitude: with 8-bit mel filters the WER of a model
    rose from 29 % to 47 %. With only the recurrent kernels in 8 bits, which are 99 % of the file,
    it stayed at 29 %.

    Args:
        tflite: The content of a .tflite file in float32.
        quantization: "none"; "float16", which LiteRT expands to float32 when it loads the file;
            "int8", with one scale for each kernel: LiteRT then quantizes the inputs of the products
            to 8 bits, too; or "int4", with a scale for each row: the same in loops, but expanded to
            float32 for fused LSTMs, which have no products of 4 bits.
        all_kernels: Whether to quantize embeddings and the kernels of all other products as well.
        output_kernels: Whether to quantize the kernels of products above recurrent layers as well.

    Returns:
        The content of the quantized file.
    """
    if quantization == "none":
        return tflite
    model = parse(tflite)
    for graph, index in _kernels(model, all_kernels, output_kernels):
        tensor = graph.tensors[index]
        kernel = model.buffers[tensor.buffer].data.view(np.float32)
        stored: NDArray[Any]
        if quantization == "float16":
            stored = kernel.astype(np.float16)
            tensor.type = schema.TensorType.FLOAT16
            _expand_when_loaded(model, graph, index)
        elif quantization == "int4":
            kernel = kernel.reshape(tensor.shape)
            scales = four_bits.row_scales(kernel)
            stored = four_bits.pack(four_bits.rounded(kernel, scales))
            tensor.type = schema.TensorType.INT4
            tensor.quantization = _scales(scales.ravel())
            if any(
                code_of(model, op) != _FULLY_CONNECTED
                for op in graph.operators
                if index in op.inputs
            ):
                _expand_when_loaded(model, graph, index)
        else:
            scale = float(np.abs(kernel).max()) / 127 or 1.0
            stored = np.round(kernel / scale).astype(np.int8)
            tensor.type = schema.TensorType.INT8
            tensor.quantization = _scales([scale])
            _expand_what_is_gathered(model, graph, index)
        model.buffers.append(Buffer(stored.view(np.uint8)))
        tensor.buffer = len(model.buffers) - 1
    return pack(model)


def without_names(tflite: bytes) -> bytes:
    """Return the file without the names of its inner tensors, which were a tenth of a small one."""
    model = parse(tflite)
    for number, graph in enumerate(model.subgraphs):
        kept = {*graph.inputs, *graph.outputs} if number == 0 else set()
        for index, tensor in enumerate(graph.tensors):
            if index not in kept:
                tensor.name = None
    return pack(model)


def with_shapes(tflite: bytes, shapes: Mapping[int, Sequence[int]]) -> bytes:
    """Return the file with constant shapes of some tensors of its main graph.

    `CompiledModel` and LiteRT.js need those of the input and the output before a run.

    Args:
        shapes: The shape of each tensor, by its index.
    """
    model = parse(tflite)
    for index, shape in shapes.items():
        tensor = model.subgraphs[0].tensors[index]
        tensor.shape = tensor.shapeSignature = np.array(shape, np.int32)
    return pack(model)


def stored_quantization(tflite: bytes) -> Quantization:
    """How the kernels of a file are stored."""
    types = {tensor.type for graph in parse(tflite).subgraphs for tensor in graph.tensors}
    if schema.TensorType.INT4 in types:
        return "int4"
    if schema.TensorType.INT8 in types:
        return "int8"
    return "float16" if schema.TensorType.FLOAT16 in types else "none"


def has_variables(tflite: bytes) -> bool:
    """Whether a file keeps state in variable tensors, which some runtimes refuse."""
    return any(tensor.isVariable for graph in parse(tflite).subgraphs for tensor in graph.tensors)


def _kernels(model: Any, all_of_them: bool, outputs: bool) -> list[tuple[Any, int]]:
    """The graph and index of each kernel of a fused LSTM and of each product within a loop.

    With all_of_them, embeddings and the kernels of all other products are included; with outputs,
    those of the main graph that follow a fused LSTM or a loop.
    """
    kernels = {}
    for number, graph in enumerate(model.subgraphs):
        is_above = False
        for op in graph.operators:
            is_above |= outputs and code_of(model, op) in (_LSTM, _WHILE)
            is_product = code_of(model, op) == _FULLY_CONNECTED and (
                number > 0 or all_of_them or is_above
            )
            is_lookup = code_of(model, op) == _GATHER and all_of_them
            if code_of(model, op) == _LSTM or is_product or is_lookup:
                for index in op.inputs:
                    if index >= 0 and _is_constant_matrix(model, graph.tensors[index]):
                        kernels[number, int(index)] = graph
    return [(graph, index) for (_, index), graph in kernels.items()]


def _is_constant_matrix(model: Any, tensor: Any) -> bool:
    return len(tensor.shape) == 2 and model.buffers[tensor.buffer].data is not None


def _scales(scales: Sequence[float] | NDArray[np.float64]) -> Any:
    """One scale for a tensor, or one for each of its rows."""
    return schema.QuantizationParametersT(
        scale=list(map(float, scales)), zeroPoint=[0] * len(scales), quantizedDimension=0
    )


def _expand_when_loaded(model: Any, graph: Any, index: int) -> None:
    """Let the users of a tensor read the result of a DEQUANTIZE operator."""
    tensor = graph.tensors[index]
    expanded = schema.TensorT(
        shape=tensor.shape, type=schema.TensorType.FLOAT32, name=tensor.name + b"_float32", buffer=0
    )
    graph.tensors.append(expanded)
    for op in graph.operators:
        op.inputs = np.where(op.inputs == index, len(graph.tensors) - 1, op.inputs)
    graph.operators.insert(0, _dequantize(model, index, len(graph.tensors) - 1))


def _expand_what_is_gathered(model: Any, graph: Any, index: int) -> None:
    """Insert a DEQUANTIZE operator after each operator that looks up rows of an 8-bit tensor."""
    tensor = graph.tensors[index]
    for place, op in reversed(list(enumerate(graph.operators))):
        if code_of(model, op) == _GATHER and op.inputs[0] == index:
            rows = graph.tensors[op.outputs[0]]
            stored = schema.TensorT(
                shape=rows.shape,
                shapeSignature=rows.shapeSignature,
                type=tensor.type,
                name=rows.name + b"_int8",
                quantization=tensor.quantization,
                buffer=0,
            )
            graph.tensors.append(stored)
            found = len(graph.tensors) - 1
            graph.operators.insert(place + 1, _dequantize(model, found, op.outputs[0]))
            op.outputs = np.array([found], np.int32)


def _dequantize(model: Any, source: int, target: int) -> Any:
    return schema.OperatorT(
        opcodeIndex=_opcode_index(model, _DEQUANTIZE),
        inputs=np.array([source], np.int32),
        outputs=np.array([target], np.int32),
        builtinOptionsType=schema.BuiltinOptions.DequantizeOptions,
        builtinOptions=schema.DequantizeOptionsT(),
    )


def _opcode_index(model: Any, code: int) -> int:
    codes = [c.builtinCode for c in model.operatorCodes]
    if code not in codes:
        codes.append(code)
        model.operatorCodes.append(
            schema.OperatorCodeT(deprecatedBuiltinCode=code, builtinCode=code, version=3)
        )
    return codes.index(code)
