"""Verification of an exported bundle: LiteRT without TensorFlow, compared with the Keras model."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from ai_edge_litert.schema_py_generated import BuiltinOperator
from numpy.typing import NDArray

from speechlstm.audio import Audio
from speechlstm.bundle import PORTABLE_MODEL, STREAMING_MODEL, AcousticSpec, read_bundle
from speechlstm.decoding.greedy import greedy_decode
from speechlstm.errors import ModelError
from speechlstm.evaluation.metrics import ErrorCounts, word_errors
from speechlstm.evaluation.significance import largest_by_chance
from speechlstm.text.normalize import normalize
from speechlstm.training.acoustic.network import AcousticNetwork
from speechlstm.training.tflite.edit import Quantization, count_ops, has_variables

MAX_DIFFERENCE = 1e-4  # of log-probabilities of a file in float32: rounding
MAX_REPEAT_DIFFERENCE = 1e-6  # of log-probabilities in two runs of an utterance
MAX_WER_CHANGE = 0.005  # or one word, or what may be chance
# Four bits are another network, whose errors differ by chance, too: of a thousand words, by ten.
MAX_WER_CHANGE_OF_INT4 = 0.02
MAX_CHANCE = 0.02  # a larger change of the WER is none

Outputs = Sequence[NDArray[np.float32]]

# The operators of every LiteRT runtime: no custom ones, none of TensorFlow ("Flex"), and none of
# StableHLO, which only some delegates support.
ALLOWED_OPS = frozenset(
    name
    for name in vars(BuiltinOperator)
    if name.isupper()
    and not name.startswith("STABLEHLO_")
    and name not in ("CUSTOM", "DELEGATE", "PLACEHOLDER_FOR_GREATER_OP_CODES")
)


@dataclass(frozen=True)
class Verification:
    """The figures of an exported file, compared with its Keras model.

    Attributes:
        has_variables: Whether it keeps state in variable tensors.
        ops: Number of times that each operator is in the file.
        rtf: Real-time factor, compute seconds / audio seconds, with one thread.
        max_difference: Largest absolute difference of log-probabilities from the Keras model.
        repeat_difference: Largest absolute difference of log-probabilities between two consecutive
            runs of an utterance; in a streaming file by blocks of other sizes.
        keras_errors: Word errors of the Keras model, with greedy decoding; of a classifier the
            utterances whose class is wrong.
        file_errors: The same of the file.
        added_errors: For each utterance, the errors of the file minus those of the Keras model.
    """

    file: str
    has_variables: bool
    quantization: Quantization
    num_bytes: int
    ops: Mapping[str, int]
    num_utterances: int
    rtf: float
    max_difference: float
    repeat_difference: float
    keras_errors: ErrorCounts
    file_errors: ErrorCounts
    rate_name: str = "WER"
    added_errors: Sequence[int] = ()

    @property
    def wer_change(self) -> float:
        """The error rate of the file minus that of the Keras model."""
        added = self.file_errors.num_errors - self.keras_errors.num_errors
        return added / max(self.keras_errors.num_reference, 1)

    @property
    def _max_wer_change(self) -> float:
        """The limit or, if that is more, one word, or what rounding may change by chance.

        Of few recordings, some words become right and others wrong, whichever file is better.
        """
        limit = MAX_WER_CHANGE_OF_INT4 if self.quantization == "int4" else MAX_WER_CHANGE
        num_words = max(self.keras_errors.num_reference, 1)
        chance = largest_by_chance(self.added_errors) / num_words
        return max(limit, 1 / num_words, min(chance, MAX_CHANCE))

    @property
    def failures(self) -> list[str]:
        """The limits that the bundle exceeds, each with its figure; empty if it may be used."""
        figures = [
            ("log-probabilities change between two runs of an utterance", self.repeat_difference,
             MAX_REPEAT_DIFFERENCE),
            (f"the {self.rate_name} rises", self.wer_change, self._max_wer_change),
        ]  # fmt: skip
        if self.quantization == "none":
            figures.append(
                ("log-probabilities differ from Keras", self.max_difference, MAX_DIFFERENCE)
            )
        failures = [f"{what} by {value:.2g}, the limit is {limit:g}"
                    for what, value, limit in figures if not value <= limit]  # fmt: skip
        if forbidden := sorted(self.ops.keys() - ALLOWED_OPS):
            failures.append(f"the operators {', '.join(forbidden)} are not built into LiteRT")
        if self.file in (PORTABLE_MODEL, STREAMING_MODEL) and self.has_variables:
            failures.append("it has variable tensors, which LiteRT.js and CompiledModel refuse")
        return failures

    def _wer(self) -> str:
        if not self.keras_errors.num_reference:
            return (
                f"not measured: no words in {self.num_utterances} recordings; "
                f"{self.keras_errors.insertions} inserted by Keras, "
                f"{self.file_errors.insertions} by this file"
            )
        return (
            f"{self.keras_errors.rate:.2%} Keras, {self.file_errors.rate:.2%} this file "
            f"({100 * self.wer_change:+.2f} points, {self.num_utterances} utterances)"
        )

    def to_text(self) -> str:
        """The figures as a table, without a newline at the end."""
        ops = ", ".join(f"{name} {num}" for name, num in sorted(self.ops.items()))
        rows = {
            "file": self.file,
            "quantization": self.quantization,
            "size": f"{self.num_bytes / 1e6:.2f} MB",
            "RTF": f"{self.rtf:.4f} (one thread)",
            "max difference": f"{self.max_difference:.2g} (log-probability)",
            self.rate_name: self._wer(),
            "variables": "yes: for TensorFlow Lite's Interpreter; reset them before each recording"
            if self.has_variables
            else "none: runs in every LiteRT runtime",
            "operators": ops,
        }
        return "\n".join(f"{name:14}  {value}" for name, value in rows.items())


def verify(
    model: AcousticNetwork,
    path: Path,
    recordings: Sequence[tuple[Audio, str]],
    quantization: Quantization = "none",
) -> Verification:
    """Run a file in a process that cannot import TensorFlow, and compare it with its model.

    Args:
        path: The .tflite file. One for streams gets the recordings in blocks of several sizes.
        recordings: At least one recording with its transcript. The first one is run twice in a row,
            which shows whether a fused LSTM keeps its state, or whether blocks of other sizes
            change anything, and then half of it, which shows whether the file accepts another
            length.
        quantization: How the file stores the recurrent kernels, which decides on the limits.

    Raises:
        ModelError: The file does not run, or its log-probabilities are not finite.
    """
    acoustic = read_bundle(path).acoustic

    def log_probs(inputs: dict[str, Any]) -> Any:
        return model.log_probs(model(inputs)[0])

    return verified(
        path,
        recordings,
        log_probs,
        lambda outputs, texts: _word_errors(outputs, texts, acoustic),
        quantization,
    )


def verified(
    path: Path,
    recordings: Sequence[tuple[Audio, str]],
    keras: Callable[[dict[str, Any]], Any],
    errors: Callable[[Outputs, Sequence[str]], ErrorCounts],
    quantization: Quantization,
    rate_name: str = "WER",
) -> Verification:
    """As verify, for any network.

    Args:
        recordings: As for verify, each with its reference.
        keras: The outputs (1, ...) of the Keras model for a batch of one utterance.
        errors: The errors in the outputs of several utterances, compared with their references.
        quantization: As for verify.

    Raises:
        ModelError: The file does not run, or its outputs are not finite.
    """
    tflite = path.read_bytes()

    def errors_of_each(outputs: Outputs) -> list[ErrorCounts]:
        return [errors([o], [r]) for o, r in zip(outputs, references, strict=True)]

    audios, references = zip(*recordings, strict=True)
    half = Audio(audios[0].samples[: len(audios[0].samples) // 2], audios[0].sample_rate)
    runs = [audios[0], *audios, half]
    found, seconds = _litert_outputs(path, runs)
    expected = _keras_outputs(keras, runs)
    differences = [np.abs(f - e).max() for f, e in zip(found, expected, strict=True)]
    if not np.isfinite(differences).all():
        raise ModelError("the exported model gives log-probabilities that are not finite")
    before, after = errors_of_each(expected[1:-1]), errors_of_each(found[1:-1])
    return Verification(
        file=path.name,
        has_variables=has_variables(tflite),
        quantization=quantization,
        num_bytes=len(tflite),
        ops=count_ops(tflite),
        num_utterances=len(references),
        rtf=seconds / sum(audio.duration for audio in runs),
        max_difference=float(max(differences)),
        repeat_difference=float(np.abs(found[0] - found[1]).max()),
        keras_errors=sum(before, ErrorCounts()),
        file_errors=sum(after, ErrorCounts()),
        rate_name=rate_name,
        added_errors=[a.num_errors - b.num_errors for a, b in zip(after, before, strict=True)],
    )


def _word_errors(log_probs: Outputs, texts: Sequence[str], spec: AcousticSpec) -> ErrorCounts:
    errors = ErrorCounts()
    for utterance, text in zip(log_probs, texts, strict=True):
        characters = utterance[:, : spec.alphabet.num_labels]
        hypothesis = greedy_decode(characters, spec.alphabet, spec.frame_seconds)
        errors += word_errors(normalize(text), normalize(hypothesis.text))
    return errors


def _litert_outputs(path: Path, runs: Sequence[Audio]) -> tuple[list[Any], float]:
    """The outputs for each recording, and the seconds of all, without TensorFlow."""
    # Beside the file, a candidate: what is left after a kill is removed with it.
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        samples, results = Path(folder) / "samples.npz", Path(folder) / "outputs.npz"
        np.savez(samples, *(audio.samples for audio in runs))
        # -P keeps the folder of the script, with modules such as `network`, out of sys.path.
        command = [sys.executable, "-P", str(Path(__file__).with_name("probe.py"))]
        process = subprocess.run(
            [*command, path, samples, results], capture_output=True, text=True, check=False
        )
        if process.returncode:
            last = (process.stderr.splitlines() or [f"exit code {process.returncode}"])[-1]
            raise ModelError(f"the exported model does not run without TensorFlow: {last}")
        with np.load(results) as arrays:
            *outputs, seconds = arrays.values()
    return outputs, float(seconds)


def _keras_outputs(
    outputs: Callable[[dict[str, Any]], Any], runs: Sequence[Audio]
) -> list[NDArray[np.float32]]:
    @tf.function(input_signature=[tf.TensorSpec((1, None), tf.float32)], autograph=False)
    def run(samples: Any) -> Any:
        return outputs({"samples": samples, "num_samples": tf.shape(samples)[1:]})[0]

    with _exact_products():
        return [run(audio.samples[np.newaxis]).numpy() for audio in runs]


@contextmanager
def _exact_products() -> Iterator[None]:
    """Disable TensorFloat-32, with which a GPU rounds the factors of products to 10 bits."""
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(before)
