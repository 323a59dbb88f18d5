import inspect
import re

import pytest
from ai_edge_litert import schema_py_generated as generated

from speechlstm.tflite import schema
from speechlstm.tflite.operators import OPERATORS
from speechlstm.tflite.tensor import TYPES

SOURCE = inspect.getsource(generated)
KINDS = {
    "Int8": "b", "Uint8": "B", "Bool": "?", "Int32": "i", "Uint32": "I", "Uint64": "Q",
    "Float32": "f", "UOffsetTRelative": "V",
}  # fmt: skip


def slots(table: str) -> dict[str, tuple[int, str]]:
    """Number and kind of each field of a table, by the code generated from schema.fbs."""
    pattern = rf"def {table}Add(\w+)\(builder, \w+\):\n    builder\.Prepend(\w+?)Slot\((\d+),"
    return {name: (int(number), KINDS[kind]) for name, kind, number in re.findall(pattern, SOURCE)}


@pytest.mark.parametrize(
    "table", [t for t in vars(schema).values() if inspect.isclass(t)], ids=lambda t: t.__name__
)
def test_fields_have_the_numbers_of_litert(table: type) -> None:
    expected = slots(table.__name__)
    fields = {name: number for name, number in vars(table).items() if name.isupper()}
    assert fields
    for name, number in fields.items():
        assert expected["".join(map(str.capitalize, name.split("_")))][0] == number


def test_operators_have_the_numbers_and_options_of_litert() -> None:
    codes = vars(generated.BuiltinOperator)
    options = {number: name for name, number in vars(generated.BuiltinOptions).items()}
    for code, operator in OPERATORS.items():
        assert codes[operator.name] == code
        if operator.options:
            expected = "".join(
                kind for _, kind in sorted(slots(options[operator.options]).values())
            )
            assert len(operator.fields) in (len(expected), len(expected.removesuffix("V")))
            for kind, found in zip(operator.fields, expected, strict=False):
                assert kind in ("-", found)


def test_types_have_the_numbers_of_litert() -> None:
    types = vars(generated.TensorType)
    assert all(types[name.upper()] == number for number, (name, _) in TYPES.items())
