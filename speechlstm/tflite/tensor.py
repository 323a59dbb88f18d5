"""The tensors of a .tflite file."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from speechlstm.tflite import schema
from speechlstm.tflite.flatbuffer import Table

# By number in schema.fbs' TensorType: NumPy's name (int4: without one), and the bytes of an item.
TYPES = {
    0: ("float32", 4),
    1: ("float16", 2),
    2: ("int32", 4),
    4: ("int64", 8),
    6: ("bool", 1),
    8: ("complex64", 8),
    9: ("int8", 1),
    17: ("int4", 0.5),
}
_MAX_RANK = 8
_MAX_BYTES = 1 << 30


class TensorSpec(NamedTuple):
    """The type and shape of a tensor.

    >>> str(TensorSpec("float32", (1, None)))
    'float32 [1, any]'

    Attributes:
        dtype: NumPy's name of the type.
        shape: The sizes; None: the size may differ from run to run, or any size is expected.
    """

    dtype: str
    shape: tuple[int | None, ...]

    def __str__(self) -> str:
        sizes = ", ".join("any" if size is None else str(size) for size in self.shape)
        return f"{self.dtype} [{sizes}]"

    def fits(self, expected: "TensorSpec") -> bool:
        """Whether type and shape agree with those expected. None agrees with every size."""
        return (
            self.dtype == expected.dtype
            and len(self.shape) == len(expected.shape)
            and all(
                None in pair or pair[0] == pair[1]
                for pair in zip(self.shape, expected.shape, strict=True)
            )
        )


class Tensor(NamedTuple):
    """A tensor of a graph.

    Attributes:
        is_constant: Whether its values are in the file.
        is_variable: Whether its values are kept from one run to the next.
    """

    spec: TensorSpec
    is_constant: bool
    is_variable: bool

    @property
    def is_readable(self) -> bool:
        """Whether it can be read although no operator has written it. Empty tensors can."""
        return self.is_constant or self.is_variable or 0 in self.spec.shape


def read_tensor(table: Table, buffers: Sequence[tuple[int, int]]) -> Tensor:
    """Read and check a tensor.

    Args:
        buffers: First byte and number of bytes of each buffer.

    Raises:
        ValueError: The tensor is refused; the message gives the reason.
    """
    field = schema.Tensor
    name = table.text(field.NAME)[:40]
    sizes = table.numbers(field.SHAPE, "i")
    signature = table.numbers(field.SHAPE_SIGNATURE, "i") or sizes
    number, index = table.number(field.TYPE, "b"), table.number(field.BUFFER, "I")
    is_variable = table.number(field.IS_VARIABLE, "?", default=False)
    if table.has(field.SPARSITY) or table.has(field.VARIANT_TENSORS) or number not in TYPES:
        raise ValueError(f"tensor {name!r} has a type that speechlstm's models do not use")
    if index >= len(buffers) or table.number(field.EXTERNAL_BUFFER, "I"):
        raise ValueError(f"tensor {name!r} refers to a buffer that does not exist")
    if (
        len(sizes) > _MAX_RANK
        or len(signature) != len(sizes)
        or min(sizes, default=0) < 0
        or min(signature, default=0) < -1
    ):
        raise ValueError(f"tensor {name!r} has an impossible shape")
    dtype, item_bytes = TYPES[number]
    num_bytes = math.ceil(item_bytes * math.prod(sizes))
    start, available = buffers[index]
    if num_bytes > _MAX_BYTES or (
        available and (available != num_bytes or start % max(1, min(4, item_bytes)))
    ):
        raise ValueError(f"tensor {name!r} has {available} bytes instead of {num_bytes}")
    if is_variable and (available or -1 in signature):
        raise ValueError(f"tensor {name!r} is both constant and variable")
    _check_quantization(table.table(field.QUANTIZATION), dtype, sizes, name)
    shape = tuple(None if size == -1 else size for size in signature)
    return Tensor(TensorSpec(dtype, shape), available > 0, is_variable)


def _check_quantization(table: Table | None, dtype: str, sizes: Sequence[int], name: str) -> None:
    field = schema.QuantizationParameters
    scales: Sequence[float] = ()
    if table and table.num_fields:
        table.numbers(field.MIN, "f")
        table.numbers(field.MAX, "f")
        scales = table.numbers(field.SCALE, "f")
        zeros = table.numbers(field.ZERO_POINT, "q")
        axis = table.number(field.QUANTIZED_DIMENSION, "i")
        if (
            table.number(field.DETAILS_TYPE, "B")
            or table.has(field.DETAILS)
            or (scales and len(zeros) != len(scales))
            or (len(scales) > 1 and not (0 <= axis < len(sizes) and len(scales) == sizes[axis]))
            or not all(0 < scale < math.inf for scale in scales)
            or any(zeros)
        ):
            raise ValueError(f"tensor {name!r} is quantised in a way that LiteRT cannot read")
    if (dtype in ("int8", "int4")) != bool(scales):
        raise ValueError(f"tensor {name!r} of {dtype} has {len(scales)} scales")
