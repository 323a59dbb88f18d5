"""Numbers of the fields in TensorFlow Lite's schema.fbs, as far as they are read.

A test compares them with LiteRT's generated schema; flatbuffer.py says why that is not imported.
https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs
"""

IDENTIFIER = b"TFL3"


class Model:
    """The root table."""

    VERSION = 0
    OPERATOR_CODES = 1
    SUBGRAPHS = 2
    DESCRIPTION = 3
    BUFFERS = 4
    METADATA_BUFFER = 5
    METADATA = 6
    SIGNATURE_DEFS = 7
    EXTERNAL_BUFFER_GROUPS = 8
    EXTERNAL_BUFFERS = 9


class OperatorCode:
    """An operator that the model uses."""

    DEPRECATED_BUILTIN_CODE = 0
    CUSTOM_CODE = 1
    BUILTIN_CODE = 3


class SubGraph:
    """A graph. The first is the model's main graph, the others belong to its loops."""

    TENSORS = 0
    INPUTS = 1
    OUTPUTS = 2
    OPERATORS = 3
    NAME = 4


class Tensor:
    """A tensor."""

    SHAPE = 0
    TYPE = 1
    BUFFER = 2
    NAME = 3
    QUANTIZATION = 4
    IS_VARIABLE = 5
    SPARSITY = 6
    SHAPE_SIGNATURE = 7
    VARIANT_TENSORS = 9
    EXTERNAL_BUFFER = 10


class Operator:
    """An operator in a graph."""

    OPCODE_INDEX = 0
    INPUTS = 1
    OUTPUTS = 2
    BUILTIN_OPTIONS_TYPE = 3
    BUILTIN_OPTIONS = 4
    CUSTOM_OPTIONS = 5
    MUTATING_VARIABLE_INPUTS = 7
    INTERMEDIATES = 8
    LARGE_CUSTOM_OPTIONS_OFFSET = 9
    LARGE_CUSTOM_OPTIONS_SIZE = 10
    BUILTIN_OPTIONS_2_TYPE = 11
    BUILTIN_OPTIONS_2 = 12


class QuantizationParameters:
    """The scale and zero point of a quantised tensor."""

    MIN = 0
    MAX = 1
    SCALE = 2
    ZERO_POINT = 3
    DETAILS_TYPE = 4
    DETAILS = 5
    QUANTIZED_DIMENSION = 6


class Buffer:
    """The bytes of a constant."""

    DATA = 0
    OFFSET = 1
    SIZE = 2


class Metadata:
    """A named buffer."""

    NAME = 0
    BUFFER = 1


class SignatureDef:
    """The names of a graph's inputs and outputs."""

    INPUTS = 0
    OUTPUTS = 1
    SIGNATURE_KEY = 2
    SUBGRAPH_INDEX = 4


class TensorMap:
    """The name of an input or output."""

    NAME = 0
    TENSOR_INDEX = 1
