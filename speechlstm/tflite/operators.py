"""The operators that models may have.

They are the operators of speechlstm's exports and similar ones: functions of tensors without custom
code, strings, resources or state (except an LSTM's). A model with any other operator is refused.

Inputs and outputs are written as one word for each tensor:

    any     any type
    same    any type, but the same for all tensors marked `same`
    float   float32
    weight  float32, float16 or int8
    packed  float32, float16, int8 or int4
    index   int32 or int64
    bool    bool
    complex complex64
    state   float32, kept from one run to the next
    none    must be missing (-1)

A `?` after a word means that the tensor may be missing, a `+` that several such tensors may follow.
"""

from typing import NamedTuple


class Operator(NamedTuple):
    """The inputs, outputs and options of an operator.

    Attributes:
        name: The name in schema.fbs.
        inputs: Words as above.
        outputs: Words as above.
        options: The number of its options table in the union BuiltinOptions.
        fields: The kind of each field of that table: a format character of the struct module; V: a
            vector of int32; -: must have its default, because LiteRT crashes on other values or
            because no export sets it.
    """

    name: str
    inputs: str
    outputs: str
    options: int
    fields: str = ""


_LSTM_INPUTS = " ".join(
    [
        "float",
        *["weight"] * 8,
        *["none"] * 3,  # peepholes
        *["float"] * 4,
        *["none"] * 2,  # projection
        *["state"] * 2,
        *["none"] * 4,  # layer normalisation
    ]
)

# By number in the enumeration BuiltinOperator.
OPERATORS = {
    0: Operator("ADD", "same same", "same", 11, "b?"),
    2: Operator("CONCATENATION", "same+", "same", 10, "ib"),
    6: Operator("DEQUANTIZE", "packed", "float", 38),
    8: Operator("FLOOR", "float", "float", 0),
    9: Operator("FULLY_CONNECTED", "float packed float?", "float", 8, "b-??-"),
    14: Operator("LOGISTIC", "float", "float", 0),
    18: Operator("MUL", "same same", "same", 21, "b"),
    19: Operator("RELU", "float", "float", 0),
    22: Operator("RESHAPE", "same index", "same", 17, "V"),
    25: Operator("SOFTMAX", "float", "float", 9, "f"),
    28: Operator("TANH", "float", "float", 0),
    34: Operator("PAD", "same index", "same", 22),
    36: Operator("GATHER", "same index", "same", 23, "i-"),
    39: Operator("TRANSPOSE", "same index", "same", 26),
    40: Operator("MEAN", "same index", "same", 27, "?"),
    41: Operator("SUB", "same same", "same", 28, "b?"),
    42: Operator("DIV", "float float", "float", 29, "b"),
    43: Operator("SQUEEZE", "same", "same", 30, "V"),
    44: Operator("UNIDIRECTIONAL_SEQUENCE_LSTM", _LSTM_INPUTS, "float", 71, "bf--?-"),
    45: Operator("STRIDED_SLICE", "same index index index", "same", 32, "ii--i-"),
    47: Operator("EXP", "float", "float", 33),
    49: Operator("SPLIT", "index same", "same+", 35, "i"),
    50: Operator("LOG_SOFTMAX", "float", "float", 36),
    53: Operator("CAST", "any", "any", 37, "bb"),
    55: Operator("MAXIMUM", "same same", "same", 39),
    57: Operator("MINIMUM", "same same", "same", 39),
    58: Operator("LESS", "same same", "bool", 41),
    59: Operator("NEG", "same", "same", 42),
    61: Operator("GREATER", "same same", "bool", 43),
    62: Operator("GREATER_EQUAL", "same same", "bool", 45),
    63: Operator("LESS_EQUAL", "same same", "bool", 46),
    65: Operator("SLICE", "same index index", "same", 48),
    69: Operator("TILE", "same index", "same", 51),
    70: Operator("EXPAND_DIMS", "same index", "same", 52),
    71: Operator("EQUAL", "same same", "bool", 53),
    72: Operator("NOT_EQUAL", "same same", "bool", 54),
    73: Operator("LOG", "float", "float", 0),
    74: Operator("SUM", "same index", "same", 27, "?"),
    75: Operator("SQRT", "float", "float", 0),
    76: Operator("RSQRT", "float", "float", 0),
    77: Operator("SHAPE", "any", "index", 55, "b"),
    81: Operator("REDUCE_PROD", "same index", "same", 27, "?"),
    82: Operator("REDUCE_MAX", "same index", "same", 27, "?"),
    83: Operator("PACK", "same+", "same", 59, "ii"),
    84: Operator("LOGICAL_OR", "bool bool", "bool", 60),
    86: Operator("LOGICAL_AND", "bool bool", "bool", 62),
    87: Operator("LOGICAL_NOT", "bool", "bool", 63),
    88: Operator("UNPACK", "same", "same+", 64, "ii"),
    89: Operator("REDUCE_MIN", "same index", "same", 27, "?"),
    90: Operator("FLOOR_DIV", "same same", "same", 65),
    92: Operator("SQUARE", "float", "float", 66),
    93: Operator("ZEROS_LIKE", "same", "same", 67),
    94: Operator("FILL", "index same", "same", 68),
    95: Operator("FLOOR_MOD", "same same", "same", 72),
    96: Operator("RANGE", "same same same", "same", 73),
    99: Operator("SQUARED_DIFFERENCE", "same same", "same", 76),
    101: Operator("ABS", "float", "float", 78),
    105: Operator("REVERSE_V2", "same index", "same", 81),
    119: Operator("WHILE", "any+", "any+", 93, "ii"),
    123: Operator("SELECT_V2", "bool same same", "same", 98),
    126: Operator("BATCH_MATMUL", "float weight", "float", 101, "???"),
    128: Operator("CUMSUM", "same index", "same", 102, "??"),
    130: Operator("BROADCAST_TO", "same index", "same", 104),
    131: Operator("RFFT2D", "float index", "complex", 105),
    133: Operator("IMAG", "complex", "float", 0),
    134: Operator("REAL", "complex", "float", 0),
}
WHILE = 119
