"""The weights of an acoustic model, read from its .tflite file, which `check_model` has passed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from speechlstm.tflite.editing import code_of, constant

_LSTM = schema.BuiltinOperator.UNIDIRECTIONAL_SEQUENCE_LSTM
_WHILE = schema.BuiltinOperator.WHILE
_FULLY_CONNECTED = schema.BuiltinOperator.FULLY_CONNECTED
_DEQUANTIZE = schema.BuiltinOperator.DEQUANTIZE
_REVERSE = schema.BuiltinOperator.REVERSE_V2
_NUM_GATES = {"lstm": 4, "gru": 3, "rnn": 1}  # with the candidate

_Array = NDArray[np.float32]


@dataclass(frozen=True)
class CellWeights:
    """The weights of one direction of a recurrent layer, with the gates in Keras' order.

    Attributes:
        kernel: (width, num_gates * num_units).
        recurrent: (num_units, num_gates * num_units), the recurrent kernel.
        bias: (num_gates * num_units,); of a GRU (2, num_gates * num_units): that of the inputs and
            that of the recurrent products.
    """

    kernel: _Array
    recurrent: _Array
    bias: _Array


@dataclass(frozen=True)
class NetworkWeights:
    """The weights of an acoustic model.

    Attributes:
        layers: For each recurrent layer its directions, the forward one first.
        norms: For each layer normalisation gain and offset, (width,) each; (): there are none.
        outputs: For each output layer its kernel (width, num_labels) and bias (num_labels,).
        ahead: The kernel (lookahead + 1, width) of the row convolution below the output layers;
            None: there is none.
    """

    layers: tuple[tuple[CellWeights, ...], ...]
    norms: tuple[tuple[_Array, _Array], ...]
    outputs: tuple[tuple[_Array, _Array], ...]
    ahead: _Array | None = None


def network_weights(
    values: Iterable[_Array],
    cell: str,
    num_layers: int,
    *,
    is_bidirectional: bool,
    has_norms: bool,
    num_outputs: int,
    has_look_ahead: bool = False,
) -> NetworkWeights:
    """Sort the weights of a file by layers.

    Args:
        values: As `read_weights` yields them.
        cell: "lstm", "gru" or "rnn".
        has_norms: Whether the output of each is normalised.
        has_look_ahead: Whether there is a row convolution below them.

    Raises:
        ValueError: There are more or fewer weights, or their shapes do not fit.
    """
    rest = list(values)

    def take(count: int) -> _Array:
        taken, rest[:count] = rest[:count], []
        shapes = {array.shape for array in taken}
        if len(taken) < count or len(shapes) > 1:
            raise ValueError(f"its constants are not those of {num_layers} {cell} layers")
        return np.concatenate(taken)

    num_gates = _NUM_GATES[cell]
    layers, norms = [], []
    for _ in range(num_layers):
        directions = []
        for _ in range(1 + is_bidirectional):
            kernel, recurrent, bias = take(num_gates).T, take(num_gates).T, take(num_gates)
            if cell == "gru":
                bias = np.stack([bias, take(num_gates)])
            directions.append(CellWeights(kernel, recurrent, bias))
        layers.append(tuple(directions))
        if has_norms:
            norms.append((take(1).ravel(), take(1).ravel()))
    ahead = take(1) if has_look_ahead else None
    outputs = [(take(1).T, take(1).ravel()) for _ in range(num_outputs)]
    if rest:
        raise ValueError(f"the file has {len(rest)} more constants than the model")
    return NetworkWeights(tuple(layers), tuple(norms), tuple(outputs), ahead)


def read_weights(tflite: bytes) -> Iterator[_Array]:
    """Yield the trained weights of an acoustic model as float32, in the order of their use.

    These are the floating-point constants, except for scalars, from the first fused LSTM or loop
    on. A direction of an LSTM layer has twelve of them: four kernels (num_units, width), four
    recurrent kernels and four biases, in Keras' order of the gates, which is that of the fused
    operator's inputs 1-8 and 12-15, and that of the products in the loops of
    speechlstm.training.tflite.portable. A GRU has three of each, and three biases of its recurrent
    products; a simple recurrent layer has one of each. A constant that is used several times is
    yielded as often, except in loops.
    """
    model = schema.ModelT.InitFromPackedBuf(tflite)
    graph = model.subgraphs[0]
    is_above = False
    for op in graph.operators:
        code = code_of(model, op)
        is_above |= code in (_LSTM, _WHILE)
        if code == _WHILE:
            yield from _loop_weights(model, op)
        elif is_above:
            yield from _constants(model, graph, op.inputs)


def recurrent_input(tflite: bytes, width: int) -> int:
    """The index, in the main graph, of the tensor that the first recurrent layer reads.

    It is the last result (1, num_steps, width) before the first fused LSTM or loop that does not
    run backwards.

    Raises:
        ValueError: There is no such tensor.
    """
    model = schema.ModelT.InitFromPackedBuf(tflite)
    graph = model.subgraphs[0]
    found = None
    for op in graph.operators:
        code = code_of(model, op)
        if code in (_LSTM, _WHILE):
            if found is not None:
                return found
            break
        for index in op.outputs if code != _REVERSE else ():
            tensor = graph.tensors[index]
            sizes = tensor.shape if tensor.shapeSignature is None else tensor.shapeSignature
            is_sequence = len(sizes) == 3 and sizes[0] == 1 and sizes[1] != 1  # loops have chunks
            if is_sequence and sizes[2] == width and tensor.type == schema.TensorType.FLOAT32:
                found = int(index)
    raise ValueError(f"no recurrent layer reads {width} features")


def _loop_weights(model: Any, loop: Any) -> Iterator[_Array]:
    """The weights of a direction, from the loop that computes it."""
    outer = model.subgraphs[loop.builtinOptions.bodySubgraphIndex]
    inner = [
        (graph, _products(model, graph))
        for op in outer.operators
        if code_of(model, op) == _WHILE
        for graph in [model.subgraphs[op.builtinOptions.bodySubgraphIndex]]
    ]
    projections = _products(model, outer)
    for graph, operands in (
        (outer, projections[1::3]),
        *((graph, products[1::3]) for graph, products in inner),
        (outer, projections[2::3]),
        *((graph, products[2::3]) for graph, products in inner),
    ):
        yield from _constants(model, graph, list(dict.fromkeys(operands)))


def _products(model: Any, graph: Any) -> list[int]:
    """The inputs of all products in a graph: input, kernel, bias (-1: none) of each in turn."""
    products = [op for op in graph.operators if code_of(model, op) == _FULLY_CONNECTED]
    return [int(index) for op in products for index in [*op.inputs, -1][:3]]


def _constants(model: Any, graph: Any, indices: Sequence[int]) -> Iterator[_Array]:
    """Those of some tensors of a graph that are floating-point constants and no scalars."""
    expanded = {
        op.outputs[0]: op.inputs[0] for op in graph.operators if code_of(model, op) == _DEQUANTIZE
    }
    for index in indices:
        tensor = graph.tensors[expanded.get(index, index)]
        found = constant(model, tensor) if index >= 0 and len(tensor.shape) else None
        if found:
            stored, scales = found
            yield (stored * scales).astype(np.float32).reshape(tensor.shape)
