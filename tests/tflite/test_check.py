from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as generated
from flatbuffers import Builder

from speechlstm.bundle import default_bundle
from speechlstm.tflite.check import check_model
from speechlstm.tflite.tensor import TensorSpec

ASSETS = Path(__file__).parents[1] / "assets"
STATE = TensorSpec("float32", (None, None, None))
FACES = {  # inputs and outputs of each kind of network
    "samples": (
        {"samples": TensorSpec("float32", (1, None))},
        {"output_0": TensorSpec("float32", (1, None, None))},
    ),
    "letters": (
        {"letters": TensorSpec("int32", (1, None))},
        {"output_0": TensorSpec("float32", (1, None, None))},
    ),
    "words": (
        {"words": TensorSpec("int32", (None,)), "h": STATE, "c": STATE},
        {"log_probs": TensorSpec("float32", (None, None)), "h": STATE, "c": STATE},
    ),
}
MODELS = {
    ASSETS / "levels.tflite": "samples",
    ASSETS / "recurrent.tflite": "samples",
    ASSETS / "language_model.tflite": "words",
    default_bundle() / "model.tflite": "samples",
    default_bundle() / "pronouncer.tflite": "letters",
    default_bundle() / "rescorer.tflite": "words",
}


def edited(path: Path, edit: Callable[[Any], None]) -> bytes:
    """A model after an edit of its objects, written by the code generated from schema.fbs."""
    model = generated.ModelT.InitFromPackedBuf(path.read_bytes())
    edit(model)
    builder = Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)
def test_accepts_sound_models(path: Path) -> None:
    interface = check_model(path.read_bytes(), *FACES[MODELS[path]])
    assert interface.inputs.keys() == FACES[MODELS[path]][0].keys()
    assert interface.has_state == (path.stem in ("recurrent", "model", "pronouncer"))
    assert check_model(edited(path, lambda model: None), *FACES[MODELS[path]]) == interface


def test_knows_what_differs_from_run_to_run() -> None:
    interface = check_model((ASSETS / "language_model.tflite").read_bytes(), *FACES["words"])
    assert interface.inputs["h"][1] == TensorSpec("float32", (None, 2, 4))
    assert interface.outputs["log_probs"][1] == TensorSpec("float32", (None, 10))


def _operator(model: Any, name: str) -> Any:
    code = vars(generated.BuiltinOperator)[name]
    return next(
        op
        for op in model.subgraphs[0].operators
        if model.operatorCodes[op.opcodeIndex].builtinCode == code
    )


def no_input(model: Any) -> None:
    _operator(model, "TANH").inputs = np.array([-1], np.int32)


def far_input(model: Any) -> None:
    _operator(model, "TANH").inputs = np.array([1 << 30], np.int32)


def far_output(model: Any) -> None:
    _operator(model, "TANH").outputs = np.array([-1], np.int32)


def later_input(model: Any) -> None:
    _operator(model, "TANH").inputs = model.subgraphs[0].operators[-1].outputs


def own_input(model: Any) -> None:
    _operator(model, "TANH").inputs = _operator(model, "TANH").outputs


def constant_output(model: Any) -> None:
    _operator(model, "TANH").outputs = _operator(model, "FULLY_CONNECTED").inputs[1:2]


def constant_model_input(model: Any) -> None:
    weights = _operator(model, "FULLY_CONNECTED").inputs[1]
    model.subgraphs[0].inputs = np.array([weights, 1, 2], np.int32)


def two_inputs(model: Any) -> None:
    _operator(model, "TANH").inputs = _operator(model, "MUL").inputs


def no_inputs(model: Any) -> None:
    _operator(model, "TANH").inputs = np.array([], np.int32)


def another_type(model: Any) -> None:
    tensors = model.subgraphs[0].tensors
    tensors[_operator(model, "TANH").inputs[0]].type = generated.TensorType.INT32


def string_type(model: Any) -> None:
    tensors = model.subgraphs[0].tensors
    tensors[_operator(model, "TANH").inputs[0]].type = generated.TensorType.STRING


def short_buffer(model: Any) -> None:
    tensor = model.subgraphs[0].tensors[_operator(model, "FULLY_CONNECTED").inputs[1]]
    model.buffers[tensor.buffer].data = model.buffers[tensor.buffer].data[:-4]


def large_shape(model: Any) -> None:
    tensor = model.subgraphs[0].tensors[_operator(model, "FULLY_CONNECTED").inputs[1]]
    tensor.shape = np.array([1 << 30, 1 << 30], np.int32)


def negative_shape(model: Any) -> None:
    tensor = model.subgraphs[0].tensors[_operator(model, "TANH").inputs[0]]
    tensor.shape = np.array([-5, 3], np.int32)


def far_buffer(model: Any) -> None:
    model.subgraphs[0].tensors[3].buffer = 1 << 31


def external_buffer(model: Any) -> None:
    model.buffers[3].offset, model.buffers[3].size = 1 << 40, 100


def far_code(model: Any) -> None:
    _operator(model, "TANH").opcodeIndex = 1000


def custom_code(model: Any) -> None:
    model.operatorCodes[0].customCode = b"FlexTanh"


def code_beyond_the_list(model: Any) -> None:
    model.operatorCodes[0].builtinCode = generated.BuiltinOperator.HASHTABLE_FIND


def other_options(model: Any) -> None:
    _operator(model, "MUL").builtinOptionsType = generated.BuiltinOptions.ReshapeOptions
    _operator(model, "MUL").builtinOptions = generated.ReshapeOptionsT()


def offset_slice(model: Any) -> None:
    """LiteRT then adds the beginnings to the ends, and reads beyond what it slices."""
    _operator(model, "STRIDED_SLICE").builtinOptions.offset = True


def kept_state(model: Any) -> None:
    model.subgraphs[0].tensors[_operator(model, "TANH").inputs[0]].isVariable = True


def quantised_twice(model: Any) -> None:
    tensor = model.subgraphs[0].tensors[_operator(model, "TANH").inputs[0]]
    tensor.quantization = generated.QuantizationParametersT(scale=[1, 2, 3], zeroPoint=[0])


def no_scale(model: Any) -> None:
    tensor = model.subgraphs[0].tensors[_operator(model, "TANH").inputs[0]]
    tensor.type = generated.TensorType.INT8


def four_bits_too_few(model: Any) -> None:
    tensor = model.subgraphs[0].tensors[_operator(model, "FULLY_CONNECTED").inputs[1]]
    tensor.type = generated.TensorType.INT4
    tensor.quantization = generated.QuantizationParametersT(scale=[1.0], zeroPoint=[0])
    data = model.buffers[tensor.buffer].data
    model.buffers[tensor.buffer].data = data[: (np.prod(tensor.shape) + 1) // 2 - 1]


def four_bits_added(model: Any) -> None:
    four_bits_too_few(model)
    index = _operator(model, "FULLY_CONNECTED").inputs[1]
    buffer = model.buffers[model.subgraphs[0].tensors[index].buffer]
    buffer.data = np.append(buffer.data, np.uint8(0))
    _operator(model, "ADD").inputs = np.array([index, index], np.int32)


def sparse(model: Any) -> None:
    model.subgraphs[0].tensors[3].sparsity = generated.SparsityParametersT()


def no_graph(model: Any) -> None:
    model.subgraphs = []


def no_signature(model: Any) -> None:
    model.signatureDefs = None


def far_signature(model: Any) -> None:
    model.signatureDefs[0].outputs[0].tensorIndex = 12345


def far_model_output(model: Any) -> None:
    model.subgraphs[0].outputs = np.array([59, 60, 12345], np.int32)


def metadata_for_litert(model: Any) -> None:
    model.metadata[0].name = b"model_control_dependencies"


def endless_loop(model: Any) -> None:
    model.operatorCodes[0].builtinCode = generated.BuiltinOperator.WHILE
    model.operatorCodes[0].deprecatedBuiltinCode = generated.BuiltinOperator.WHILE
    for op in model.subgraphs[0].operators:
        if op.opcodeIndex == 0:
            op.outputs = op.outputs[:1]
            op.builtinOptionsType = generated.BuiltinOptions.WhileOptions
            op.builtinOptions = generated.WhileOptionsT()  # runs graph 0, which it is in


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (no_input, r"operator \d+ \(TANH\): tensor -1 is not computed"),
        (far_input, r"TANH.*tensor 1073741824 is not computed"),
        (far_output, r"TANH.*tensor -1"),
        (later_input, r"TANH.*is not computed"),
        (own_input, r"TANH.*is not computed"),
        (constant_output, "TANH.*a constant or a state"),
        (constant_model_input, "an input of the graph: .*constant"),
        (two_inputs, "TANH.* has 2 inputs"),
        (no_inputs, "TANH.* has 0 inputs"),
        (another_type, "has an unsuitable type"),
        (string_type, "has a type that speechlstm's models do not use"),
        (short_buffer, "bytes instead of"),
        (large_shape, "bytes instead of"),
        (negative_shape, "impossible shape"),
        (far_buffer, "refers to a buffer that does not exist"),
        (external_buffer, "weights outside"),
        (far_code, "of kind 1000"),
        (custom_code, "operator 'FlexTanh'"),
        (code_beyond_the_list, "operator 137"),
        (other_options, "MUL.* has options of another operator"),
        (offset_slice, "STRIDED_SLICE.* has options that speechlstm's models do not use"),
        (kept_state, "is both constant and variable"),
        (quantised_twice, "is quantised in a way"),
        (no_scale, "int8 has 0 scales"),
        (four_bits_added, "ADD.* has an unsuitable type: int4"),
        (four_bits_too_few, "bytes instead of"),
        (sparse, "has a type that speechlstm's models do not use"),
        (no_graph, "has no graph"),
        (no_signature, "has 0 signatures"),
        (far_signature, "outputs of other names"),
        (far_model_output, "tensor 12345 is not computed"),
        (metadata_for_litert, "unknown metadata 'model_control_dependencies'"),
        (endless_loop, "loop that contains itself"),
    ],
)
def test_refuses_what_litert_would_believe(edit: Callable[[Any], None], reason: str) -> None:
    content = edited(ASSETS / "language_model.tflite", edit)
    with pytest.raises(ValueError, match=rf"^.*{reason}.*$"):
        check_model(content, *FACES["words"])


@pytest.mark.slow
def test_refuses_offsets_out_of_range() -> None:
    whole = (ASSETS / "recurrent.tflite").read_bytes()
    refused = 0
    for position in range(0, len(whole), 148):
        for value in (b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff", b"\0\0\0\0"):
            content = whole[:position] + value + whole[position + 4 :]
            try:
                check_model(content, *FACES["samples"])
            except ValueError as error:
                assert "\n" not in str(error)
                refused += 1
    assert refused > 20


@pytest.mark.parametrize("num_bytes", [0, 1, 4, 8, 12, 100, 5000, 15000])
def test_refuses_a_cut_file(num_bytes: int) -> None:
    with pytest.raises(ValueError, match=r"damaged|no TFL3"):
        check_model((ASSETS / "recurrent.tflite").read_bytes()[:num_bytes], *FACES["samples"])
