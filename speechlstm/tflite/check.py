"""Checks the structure of a .tflite file before LiteRT loads it.

LiteRT trusts a file: an operator whose input is computed by nothing crashes the process, and a
checksum does not protect against a file that was made so on purpose. Therefore a model is read
completely, and refused unless

- every table, vector and index lies within its bounds (see flatbuffer.py);
- every operator is listed in operators.py, and has the inputs, outputs and options given there;
- every tensor that an operator reads is a constant, an input, or the output of an earlier operator,
  and no tensor is written twice (see graph.py);
- every constant has as many bytes as its shape implies;
- no loop contains itself;
- inputs and outputs are those that the caller expects.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from speechlstm.tflite import schema
from speechlstm.tflite.flatbuffer import FlatBuffer, Table
from speechlstm.tflite.graph import Graph
from speechlstm.tflite.operators import OPERATORS, Operator
from speechlstm.tflite.tensor import TensorSpec

# Other entries may set the order in which LiteRT runs the operators.
_METADATA = {"speechlstm", "min_runtime_version", "CONVERSION_METADATA"}


@dataclass(frozen=True)
class Interface:
    """The inputs and outputs of a model that passed the check.

    Attributes:
        inputs: By name, the index of each tensor and its type and shape.
        outputs: The same for outputs.
        has_state: Whether the model keeps state from one run to the next.
    """

    inputs: Mapping[str, tuple[int, TensorSpec]]
    outputs: Mapping[str, tuple[int, TensorSpec]]
    has_state: bool


def check_model(
    content: bytes,
    inputs: Mapping[str, TensorSpec],
    outputs: Mapping[str, TensorSpec],
    optional_inputs: Mapping[str, TensorSpec] | None = None,
) -> Interface:
    """Check the structure of a .tflite file. Other bytes may follow after its end.

    Raises:
        ValueError: The model is refused; the message gives the reason in one line.
    """
    root = FlatBuffer(content, schema.IDENTIFIER).root()
    if root.has(schema.Model.EXTERNAL_BUFFER_GROUPS) or root.has(schema.Model.EXTERNAL_BUFFERS):
        raise ValueError("keeps weights in other files")
    for entry in root.tables(schema.Model.METADATA):
        if (name := entry.text(schema.Metadata.NAME)) not in _METADATA:
            raise ValueError(f"has unknown metadata {name[:40]!r}")
    buffers = [_buffer(table) for table in root.tables(schema.Model.BUFFERS)]
    kinds = [_kind(table) for table in root.tables(schema.Model.OPERATOR_CODES)]
    graphs = [Graph(table, buffers) for table in root.tables(schema.Model.SUBGRAPHS)]
    if not graphs:
        raise ValueError("has no graph")
    for graph in graphs:
        graph.check(kinds, len(graphs))
    _refuse_endless(graphs)
    (signature,) = _one(root.tables(schema.Model.SIGNATURE_DEFS), "signature")
    signature.text(schema.SignatureDef.SIGNATURE_KEY)
    if signature.number(schema.SignatureDef.SUBGRAPH_INDEX, "I") != 0:
        raise ValueError("has a signature for another graph than the first")
    main = graphs[0]
    if optional_inputs and len(main.inputs) > len(inputs):
        inputs = {**inputs, **optional_inputs}
    return Interface(
        _named(signature.tables(schema.SignatureDef.INPUTS), main, main.inputs, inputs, "inputs"),
        _named(
            signature.tables(schema.SignatureDef.OUTPUTS), main, main.outputs, outputs, "outputs"
        ),
        any(tensor.is_variable for graph in graphs for tensor in graph.tensors),
    )


def _buffer(table: Table) -> tuple[int, int]:
    """The position of a constant's bytes in the file, and their number."""
    if table.number(schema.Buffer.OFFSET, "Q") or table.number(schema.Buffer.SIZE, "Q"):
        raise ValueError("keeps weights outside of its buffers")
    return table.vector(schema.Buffer.DATA, 1)


def _kind(table: Table) -> Operator:
    code = max(  # as in LiteRT: in older files the code is one byte
        table.number(schema.OperatorCode.DEPRECATED_BUILTIN_CODE, "b"),
        table.number(schema.OperatorCode.BUILTIN_CODE, "i"),
    )
    name = table.text(schema.OperatorCode.CUSTOM_CODE)
    if name or code not in OPERATORS:
        raise ValueError(f"has operator {name[:40] or code!r}, which speechlstm does not use")
    return OPERATORS[code]


def _refuse_endless(graphs: Sequence[Graph]) -> None:
    """Refuse loops that contain themselves, directly or through other loops."""
    waiting = dict(enumerate(graphs))
    while waiting:
        done = [i for i, graph in waiting.items() if not graph.run_by_loops & waiting.keys()]
        if not done:
            raise ValueError("has a loop that contains itself")
        for i in done:
            del waiting[i]


def _one(tables: list[Table], name: str) -> list[Table]:
    if len(tables) != 1:
        raise ValueError(f"has {len(tables)} {name}s instead of one")
    return tables


def _named(
    entries: Sequence[Table],
    graph: Graph,
    indices: Sequence[int],
    expected: Mapping[str, TensorSpec],
    what: str,
) -> dict[str, tuple[int, TensorSpec]]:
    """A graph's inputs or outputs by their names in the signature, which must be as expected."""
    named = {
        entry.text(schema.TensorMap.NAME): entry.number(schema.TensorMap.TENSOR_INDEX, "I")
        for entry in entries
    }
    if named.keys() != expected.keys() or sorted(named.values()) != sorted(indices):
        names = ", ".join(sorted(expected))
        raise ValueError(f"has {len(indices)} {what} of other names than {names}")
    for name, index in named.items():
        actual, spec = graph.tensors[index].spec, expected[name]
        if not actual.fits(spec):
            raise ValueError(f"{what[:-1]} {name} is {actual}, not {spec}")
    return {name: (index, graph.tensors[index].spec) for name, index in named.items()}
