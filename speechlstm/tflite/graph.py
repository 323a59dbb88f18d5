"""Checks the graphs of a .tflite file: each operator's inputs must have been computed before it."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from speechlstm.tflite import schema
from speechlstm.tflite.flatbuffer import Table
from speechlstm.tflite.operators import OPERATORS, WHILE, Operator
from speechlstm.tflite.tensor import TYPES, read_tensor

_ALL_TYPES = {name for name, _ in TYPES.values()} - {"int4"}
_TYPES = {  # the types that each word in operators.py allows
    "any": _ALL_TYPES,
    "same": _ALL_TYPES,
    "float": {"float32"},
    "state": {"float32"},
    "weight": {"float32", "float16", "int8"},
    "packed": {"float32", "float16", "int8", "int4"},
    "index": {"int32", "int64"},
    "bool": {"bool"},
    "complex": {"complex64"},
}


# Operators whose first option is the number of their inputs or outputs.
_COUNTS = {"PACK": "inputs", "SPLIT": "outputs", "UNPACK": "outputs"}


class _Step(NamedTuple):
    """An operator in a graph: its kind, input and output tensors, and integer options."""

    where: str
    kind: Operator
    inputs: Sequence[int]
    outputs: Sequence[int]
    options: Sequence[int]


class Graph:
    """A graph of a model. All methods raise ValueError with the reason if the graph is refused.

    Args:
        buffers: First byte and number of bytes of each buffer of the model.

    Attributes:
        tensors: The tensors, by index.
        inputs: The indices of the input tensors.
        outputs: The indices of the output tensors.
        run_by_loops: The indices of the graphs that its loops run; set by check.

    Raises:
        ValueError: The description is damaged.
    """

    def __init__(self, table: Table, buffers: Sequence[tuple[int, int]]) -> None:
        tensors = table.tables(schema.SubGraph.TENSORS)
        self.tensors = [read_tensor(tensor, buffers) for tensor in tensors]
        self.inputs = table.numbers(schema.SubGraph.INPUTS, "i")
        self.outputs = table.numbers(schema.SubGraph.OUTPUTS, "i")
        self.run_by_loops: set[int] = set()
        self._operators = table.tables(schema.SubGraph.OPERATORS)
        self._written: set[int] = set()
        table.text(schema.SubGraph.NAME)

    def check(self, kinds: Sequence[Operator], num_graphs: int) -> None:
        """Check all operators.

        Args:
            kinds: The operator of each operator code of the model.
            num_graphs: The number of graphs in the model.

        Raises:
            ValueError: The graph is refused.
        """
        for index in self.inputs:
            self._write(index, "an input of the graph")
        for number, table in enumerate(self._operators):
            step = _read_step(number, table, kinds)
            self._check_tensors(step)
            self._check_options(step, num_graphs)
        for index in self.outputs:
            self._read(index, "an output of the graph")

    def _check_tensors(self, step: _Step) -> None:
        types: set[str] = set()
        for index, word in _with_words(step.inputs, step.kind.inputs, step.where):
            if index != -1 or not word.endswith(("?", "none")):
                self._read(index, step.where)
                self._check_type(index, word, types, step.where)
        for index, word in _with_words(step.outputs, step.kind.outputs, step.where):
            self._write(index, step.where)
            self._check_type(index, word, types, step.where)

    def _check_options(self, step: _Step, num_graphs: int) -> None:
        if step.kind.name in _COUNTS:
            if step.options[:1] != [len(getattr(step, _COUNTS[step.kind.name]))]:
                raise ValueError(f"{step.where} has another number of tensors than its options say")
        elif step.kind is OPERATORS[WHILE]:
            if len(step.options) != 2 or not all(0 <= index < num_graphs for index in step.options):
                raise ValueError(f"{step.where} runs a graph that does not exist")
            self.run_by_loops.update(step.options)

    def _read(self, index: int, where: str) -> None:
        if not 0 <= index < len(self.tensors) or not (
            index in self._written or self.tensors[index].is_readable
        ):
            raise ValueError(f"{where}: tensor {index} is not computed by anything")

    def _write(self, index: int, where: str) -> None:
        if not 0 <= index < len(self.tensors) or index in self._written:
            raise ValueError(f"{where}: tensor {index} is missing or computed twice")
        if self.tensors[index].is_constant or self.tensors[index].is_variable:
            raise ValueError(f"{where}: tensor {index} is a constant or a state")
        self._written.add(index)

    def _check_type(self, index: int, word: str, types: set[str], where: str) -> None:
        tensor, word = self.tensors[index], word.rstrip("?")
        dtype = tensor.spec.dtype
        if word == "same":
            types.add(dtype)
        if (
            dtype not in _TYPES.get(word, ())
            or len(types) > 1
            or tensor.is_variable != (word == "state")
        ):
            raise ValueError(f"{where}: tensor {index} has an unsuitable type: {tensor.spec}")


def _with_words(indices: Sequence[int], pattern: str, where: str) -> Iterator[tuple[int, str]]:
    """Each tensor with the word that says what it must be, from a pattern as in operators.py."""
    words = pattern.split()
    if words[-1].endswith("+"):
        words[-1:] = [words[-1][:-1]] * max(1, len(indices) - len(words) + 1)
    num_needed = sum(not word.endswith("?") for word in words)
    if not num_needed <= len(indices) <= len(words):
        raise ValueError(f"{where} has {len(indices)} inputs or outputs instead of {len(words)}")
    return zip(indices, words, strict=False)


def _read_step(number: int, table: Table, kinds: Sequence[Operator]) -> _Step:
    code = table.number(schema.Operator.OPCODE_INDEX, "I")
    if code >= len(kinds):
        raise ValueError(f"operator {number} is of kind {code}, of {len(kinds)}")
    where = f"operator {number} ({kinds[code].name})"
    return _Step(
        where,
        kinds[code],
        table.numbers(schema.Operator.INPUTS, "i"),
        table.numbers(schema.Operator.OUTPUTS, "i"),
        _options(table, kinds[code], where),
    )


def _options(table: Table, kind: Operator, where: str) -> list[int]:
    """The integer options of an operator."""
    field = schema.Operator
    number = table.number(field.BUILTIN_OPTIONS_TYPE, "B")
    options = table.table(field.BUILTIN_OPTIONS)
    others = (
        table.vector(field.CUSTOM_OPTIONS, 1)[1],
        table.vector(field.MUTATING_VARIABLE_INPUTS, 1)[1],
        table.vector(field.INTERMEDIATES, 4)[1],
        table.number(field.LARGE_CUSTOM_OPTIONS_OFFSET, "Q"),
        table.number(field.LARGE_CUSTOM_OPTIONS_SIZE, "Q"),
        table.number(field.BUILTIN_OPTIONS_2_TYPE, "B"),
        table.has(field.BUILTIN_OPTIONS_2),
    )
    if number not in (0, kind.options) or (number != 0) != (options is not None) or any(others):
        raise ValueError(f"{where} has options of another operator")
    if options is None:
        return []
    if any(map(options.has, range(len(kind.fields), options.num_fields))):
        raise ValueError(f"{where} has unknown options")
    values = []
    for index, number_kind in enumerate(kind.fields):
        if number_kind == "V":
            options.numbers(index, "i")
        elif number_kind != "-":
            values.append(options.number(index, number_kind))
        elif options.has(index):
            raise ValueError(f"{where} has options that speechlstm's models do not use")
    return values
