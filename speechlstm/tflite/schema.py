"""Numbers of the fields in TensorFlow Lite's schema.fbs, as far as they are read.

A test compares them with LiteRT's generated schema; flatbuffer.py says why that is not imported.
https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs
"""

IDENTIFIER = b"TFL3"


class Model:
    """The root table."""

    VERSION, OPERATOR_CODES, SUBGRAPHS, DESCRIPTION, BUFFERS, METADATA_BUFFER = range(6)
    METADATA, SIGNATURE_DEFS, EXTERNAL_BUFFER_GROUPS, EXTERNAL_BUFFERS = range(6, 10)


class OperatorCode:
    """An operator that the model uses."""

    DEPRECATED_BUILTIN_CODE, CUSTOM_CODE = range(2)
    BUILTIN_CODE = 3


class SubGraph:
    """A graph. The first is the model's main graph, the others belong to its loops."""

    TENSORS, INPUTS, OUTPUTS, OPERATORS, NAME = range(5)


class Tensor:
    """A tensor."""

    SHAPE, TYPE, BUFFER, NAME, QUANTIZATION, IS_VARIABLE, SPARSITY, SHAPE_SIGNATURE = range(8)
    VARIANT_TENSORS, EXTERNAL_BUFFER = range(9, 11)


class Operator:
    """An operator in a graph."""

    OPCODE_INDEX, INPUTS, OUTPUTS, BUILTIN_OPTIONS_TYPE, BUILTIN_OPTIONS, CUSTOM_OPTIONS = range(6)
    MUTATING_VARIABLE_INPUTS, INTERMEDIATES, LARGE_CUSTOM_OPTIONS_OFFSET = range(7, 10)
    LARGE_CUSTOM_OPTIONS_SIZE, BUILTIN_OPTIONS_2_TYPE, BUILTIN_OPTIONS_2 = range(10, 13)


class QuantizationParameters:
    """The scale and zero point of a quantised tensor."""

    MIN, MAX, SCALE, ZERO_POINT, DETAILS_TYPE, DETAILS, QUANTIZED_DIMENSION = range(7)


class Buffer:
    """The bytes of a constant."""

    DATA, OFFSET, SIZE = range(3)


class Metadata:
    """A named buffer."""

    NAME, BUFFER = range(2)


class SignatureDef:
    """The names of a graph's inputs and outputs."""

    INPUTS, OUTPUTS, SIGNATURE_KEY = range(3)
    SUBGRAPH_INDEX = 4


class TensorMap:
    """The name of an input or output."""

    NAME, TENSOR_INDEX = range(2)
