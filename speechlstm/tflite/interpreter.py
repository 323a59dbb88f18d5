"""What runs a .tflite file: the one place where LiteRT, formerly TensorFlow Lite, is called."""

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
    """A network in a .tflite file, checked before LiteRT sees it (see check.py).

    It may be shared by threads: one runs it at a time. A lock rather than an interpreter a thread,
    because LiteRT copies its weights for each interpreter that XNNPACK speeds up, and because those
    who need several at once have several processes.

    Args:
        path: The file.
        inputs: What it must take, by name; sizes of None may differ from run to run.
        outputs: What it must give, the same.
        num_threads: Threads in one product of matrices.
        use_xnnpack: Whether to run what it can by XNNPACK. It takes no recurrent operator.
        content: Of the file, where it has been read.
        error: What to raise, of a path and a reason.

    Attributes:
        inputs: What it takes, as the file has it.
        outputs: What it gives.

    Raises:
        ModelError: As `error` makes it: the file cannot be read, is damaged, has other inputs or
            outputs, or needs an operator that no model of speechlstm has.
    """

    def __init__(
        self,
        path: Path,
        inputs: Mapping[str, TensorSpec],
        outputs: Mapping[str, TensorSpec],
        *,
        num_threads: int = 1,
        use_xnnpack: bool = False,
        content: bytes | None = None,
        error: Callable[[Path, str], ModelError] = BundleError,
    ) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType  # 0.1 s

        self._path, self._error, self._lock = path, error, Lock()
        try:
            content = read_regular_file(path, _MAX_BYTES) if content is None else content
            found = check_model(content, inputs, outputs)
        except OSError as reason:
            raise error(path, reason.strerror or str(reason)) from None
        except ValueError as reason:
            raise error(path, f"no model that can be run: {reason}") from None
        self.inputs = {name: spec for name, (_, spec) in found.inputs.items()}
        self.outputs = {name: spec for name, (_, spec) in found.outputs.items()}
        self._input_numbers = {name: number for name, (number, _) in found.inputs.items()}
        self._output_numbers = {name: number for name, (number, _) in found.outputs.items()}
        self._has_state = found.has_state
        resolver = (
            OpResolverType.AUTO if use_xnnpack else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        )
        with self._errors("load"), hidden_stderr(_GREETING) if use_xnnpack else nullcontext():
            # The bytes that were checked, not the file, which may have changed since.
            self._interpreter = Interpreter(
                model_content=content,
                num_threads=num_threads,
                experimental_op_resolver_type=resolver,
            )
            self._interpreter.allocate_tensors()

    def run(self, **inputs: "NDArray[Any]") -> "dict[str, NDArray[Any]]":
        """What the network makes of its inputs; nothing is left of earlier runs.

        Args:
            inputs: By name, of the types and shapes in `inputs`.

        Returns:
            By name, arrays of their own, of the types and shapes in `outputs`.

        Raises:
            ModelError: As `error` makes it: LiteRT cannot run it, or it gives something else.
        """
        with self._lock, self._errors("run"):
            for name, values in inputs.items():
                self._interpreter.resize_tensor_input(self._input_numbers[name], values.shape)
            self._interpreter.allocate_tensors()
            if self._has_state:  # a fused LSTM goes on from where the run before has left it
                self._interpreter.reset_all_variables()
            for name, values in inputs.items():
                self._interpreter.set_tensor(self._input_numbers[name], values)
            self._interpreter.invoke()
            results = {
                name: self._interpreter.get_tensor(number)
                for name, number in self._output_numbers.items()
            }
        for name, values in results.items():
            if not TensorSpec(values.dtype.name, values.shape).fits(self.outputs[name]):
                raise self._error(
                    self._path, f"{name} is of shape {values.shape}, not {self.outputs[name]}"
                )
        return results

    @contextmanager
    def _errors(self, verb: str) -> Iterator[None]:
        try:
            yield
        except (MemoryError, RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split()) or "not enough memory"  # LiteRT's have lines
            raise self._error(self._path, f"LiteRT cannot {verb} it: {reason}") from None
