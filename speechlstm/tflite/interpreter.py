"""Runs .tflite files with LiteRT (formerly TensorFlow Lite).

This is the only module that calls LiteRT.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from speechlstm.errors import BundleError, ModelError
from speechlstm.stderr import hidden_stderr
from speechlstm.storage import read_regular_file
from speechlstm.tflite.check import check_model
from speechlstm.tflite.tensor import TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MAX_BYTES = (1 << 31) - 1  # of a FlatBuffer
_GREETING = b"Created TensorFlow Lite XNNPACK delegate"  # LiteRT offers no way to switch it off


class TFLiteModel:
    """A network in a .tflite file. The file is checked before LiteRT loads it (see check.py).

    Threads may share one; they take turns. There is a lock and not an interpreter for each thread,
    because LiteRT copies the weights for each interpreter that uses XNNPACK, and because several
    processes are used where several networks have to run at once.

    >>> from speechlstm.bundle import default_bundle
    >>> model = TFLiteModel(
    ...     default_bundle() / "model.tflite",
    ...     {"samples": TensorSpec("float32", (1, None))},
    ...     {"output_0": TensorSpec("float32", (1, None, None))},
    ... )
    >>> import numpy as np
    >>> model.run(samples=np.zeros((1, 16000), np.float32))["output_0"].shape
    (1, 34, 69)

    Args:
        inputs: The inputs that it must have, by name; sizes of None may differ from run to run.
        optional_inputs: Inputs that it may have in addition; they are in the attribute inputs if
            it has them.
        use_xnnpack: Whether XNNPACK runs the operators that it supports; fused recurrent ones are
            not among them. None: if the model keeps no state.
        content: The content of the file, if it has been read already.
        inner: Tensors of the main graph that run returns besides the outputs: by the name they are
            to have, their indices. LiteRT then keeps all tensors in memory.
        error: Makes the error to raise from a path and a reason.

    Raises:
        ModelError: Made by `error`: the file cannot be read, is damaged, has other inputs or
            outputs, or has an operator that speechlstm's models do not use.
    """

    def __init__(
        self,
        path: Path,
        inputs: Mapping[str, TensorSpec],
        outputs: Mapping[str, TensorSpec],
        *,
        optional_inputs: Mapping[str, TensorSpec] | None = None,
        use_xnnpack: bool | None = False,
        content: bytes | None = None,
        inner: Mapping[str, int] | None = None,
        error: Callable[[Path, str], ModelError] = BundleError,
    ) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType  # takes 0.1 s

        self._path, self._error, self._lock = path, error, Lock()
        try:
            content = read_regular_file(path, _MAX_BYTES) if content is None else content
            interface = check_model(content, inputs, outputs, optional_inputs)
        except OSError as reason:
            raise error(path, reason.strerror or str(reason)) from None
        except ValueError as reason:
            raise error(path, f"is not a model that can be run: {reason}") from None
        self.inputs = {name: spec for name, (_, spec) in interface.inputs.items()}
        self.outputs = {name: spec for name, (_, spec) in interface.outputs.items()}
        self._input_numbers = {name: number for name, (number, _) in interface.inputs.items()}
        self._output_numbers = {name: number for name, (number, _) in interface.outputs.items()}
        self._inner_numbers = dict(inner or {})
        self._has_state = interface.has_state
        use_xnnpack = not self._has_state if use_xnnpack is None else use_xnnpack
        resolver = (
            OpResolverType.AUTO if use_xnnpack else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        )
        with self._errors("load"), hidden_stderr(_GREETING) if use_xnnpack else nullcontext():
            # From the bytes that were checked, because the file may have changed since.
            self._interpreter = Interpreter(
                model_content=content,
                num_threads=1,  # two make an LSTM of 3 x 256 units no faster (measured)
                experimental_op_resolver_type=resolver,
                experimental_preserve_all_tensors=bool(inner),
            )
            self._interpreter.allocate_tensors()

    def run(self, **inputs: "NDArray[Any]") -> "dict[str, NDArray[Any]]":
        """Run the network. No state remains from earlier runs.

        Args:
            inputs: By name, arrays of the types and shapes in the attribute inputs.

        Returns:
            By name, copies of the outputs, of the types and shapes in the attribute outputs, and
            of the inner tensors.

        Raises:
            ModelError: Made by `error`: LiteRT cannot run the network, or an output has another
                type or shape than the file says, or values that are not numbers.
        """
        with self._lock, self._errors("run"):
            for name, values in inputs.items():
                self._interpreter.resize_tensor_input(self._input_numbers[name], values.shape)
            self._interpreter.allocate_tensors()
            if self._has_state:  # a fused LSTM would continue from its last state
                self._interpreter.reset_all_variables()
            for name, values in inputs.items():
                self._interpreter.set_tensor(self._input_numbers[name], values)
            self._interpreter.invoke()
            results = {
                name: self._interpreter.get_tensor(number)
                for name, number in (self._output_numbers | self._inner_numbers).items()
            }
        for name, spec in self.outputs.items():
            values = results[name]
            if not TensorSpec(values.dtype.name, values.shape).fits(spec):
                raise self._error(self._path, f"{name} has shape {values.shape}, not {spec}")
            if (values != values).any():  # NaN alone differs from itself
                raise self._error(self._path, f"is damaged: {name} has values that are no numbers")
        return results

    @contextmanager
    def _errors(self, verb: str) -> Iterator[None]:
        try:
            yield
        except (MemoryError, RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split()) or "not enough memory"
            raise self._error(self._path, f"LiteRT cannot {verb} it: {reason}") from None
