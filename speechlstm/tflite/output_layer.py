"""The output layer of a network that ends in a softmax over many outputs."""

from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from speechlstm.tflite.editing import Buffer, code_of, constant, pack, parse

_LOG_SOFTMAX = schema.BuiltinOperator.LOG_SOFTMAX
_FULLY_CONNECTED = schema.BuiltinOperator.FULLY_CONNECTED
_DEQUANTIZE = schema.BuiltinOperator.DEQUANTIZE


@dataclass(frozen=True)
class OutputLayer:
    """A layer that computes log_softmax(features @ kernel.T + bias).

    Attributes:
        stored: (num_outputs, width), the kernel divided by its scales.
        scales: (num_outputs, 1), or (1, 1).
        bias: (num_outputs,).
    """

    stored: NDArray[Any]
    scales: NDArray[np.float32]
    bias: NDArray[np.float32]

    def kernel(self, rows: NDArray[np.integer[Any]] | slice) -> NDArray[np.float32]:
        """Some rows of the kernel."""
        scales = self.scales if len(self.scales) == 1 else self.scales[rows]
        return self.stored[rows].astype(np.float32) * scales

    def most_probable(self, number: int) -> NDArray[np.intp]:
        """The indices of outputs that have most of the probability, in increasing order.

        They are the first ones if the outputs are words in order of frequency, as most of those
        with the largest biases then are; otherwise those with the largest biases.
        """
        largest = np.sort(np.argsort(-self.bias, kind="stable")[:number])
        is_ordered = 2 * np.count_nonzero(largest < number) > number
        return np.arange(number) if is_ordered else largest

    def logits(
        self, features: NDArray[np.float32], outputs: NDArray[np.integer[Any]]
    ) -> NDArray[np.float32]:
        """For each row of features (n, width), the logit of one output, (n,)."""
        products = (features * self.kernel(outputs)).sum(axis=1)
        return np.asarray(products + self.bias[outputs], np.float32)


def without_softmax(
    tflite: bytes, output: str, num_logits: int, features: str
) -> tuple[bytes, OutputLayer]:
    """Change a network that computes log_softmax(features @ kernel.T + bias).

    Args:
        tflite: The content of a file that check_model has passed.
        output: The name of the output that it computes in this way.
        num_logits: How many logits are wanted instead of it, at most all.
        features: The name of a further output.

    Returns:
        The content of a file that computes the logits (n, num_logits) of outputs
        layer.most_probable(num_logits) as `output`, and `features` (n, width); and the layer.

    Raises:
        ValueError: The output is computed in another way.
    """
    model = parse(tflite)
    graph, outputs = model.subgraphs[0], model.signatureDefs[0].outputs
    (named,) = (entry for entry in outputs if entry.name == output.encode())
    softmax = _computing(model, named.tensorIndex, _LOG_SOFTMAX)
    product = _computing(model, softmax.inputs[0], _FULLY_CONNECTED)
    below, kernel, bias = [*product.inputs, -1][:3]
    layer = _layer(model, kernel, bias)
    wanted = layer.most_probable(num_logits)
    rows = layer.stored[wanted]
    if rows.dtype != np.int8 or len(layer.scales) > 1:  # only these are multiplied as they are
        rows = layer.kernel(wanted)
    smaller_kernel = _added(model, graph.tensors[kernel], rows)
    smaller_bias = _added(model, graph.tensors[bias], layer.bias[wanted])
    graph.tensors.append(copy(graph.tensors[product.outputs[0]]))
    logits = len(graph.tensors) - 1
    graph.tensors[logits].shape = np.array([1, num_logits], np.int32)
    graph.tensors[logits].shapeSignature = np.array([-1, num_logits], np.int32)
    product.inputs = np.array([below, smaller_kernel, smaller_bias], np.int32)
    product.outputs = np.array([logits], np.int32)
    graph.operators.remove(softmax)
    replaced = np.where(graph.outputs == named.tensorIndex, logits, graph.outputs)
    graph.outputs = np.append(replaced, below).astype(np.int32)
    named.tensorIndex = logits
    outputs.append(schema.TensorMapT(name=features.encode(), tensorIndex=below))
    return pack(model), layer


def _computing(model: Any, tensor: int, code: int) -> Any:
    """The operator that computes a tensor, if it is of a certain kind."""
    for op in model.subgraphs[0].operators:
        if tensor in op.outputs and code_of(model, op) == code:
            return op
    raise ValueError("its probabilities are not the softmax of a product")


def _layer(model: Any, kernel: int, bias: int) -> OutputLayer:
    """The layer with a kernel and a bias."""
    graph = model.subgraphs[0]
    for op in graph.operators:
        if kernel in op.outputs and code_of(model, op) == _DEQUANTIZE:
            kernel = op.inputs[0]
    maybe = [constant(model, graph.tensors[i]) for i in (kernel, bias) if i >= 0]
    constants = [found for found in maybe if found]
    if len(constants) == 2:
        (stored, scales), (offsets, _) = constants
        if stored.ndim == 2 and offsets.shape == stored.shape[:1]:
            return OutputLayer(stored, scales, offsets)
    raise ValueError("its output layer has no constant kernel and bias")


def _added(model: Any, like: Any, values: NDArray[Any]) -> int:
    """The index of a new constant of int8, with the scale of another tensor, or of float32."""
    tensor, graph = copy(like), model.subgraphs[0]
    if values.dtype == np.float32:
        tensor.type, tensor.quantization = schema.TensorType.FLOAT32, None
    tensor.shape = np.array(values.shape, np.int32)
    model.buffers.append(Buffer(np.ascontiguousarray(values).view(np.uint8)))
    tensor.buffer = len(model.buffers) - 1
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1
