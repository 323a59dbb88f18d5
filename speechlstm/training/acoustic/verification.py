"""What a bundle does where it will live, beside the Keras model that it was made from."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from ai_edge_litert.schema_py_generated import BuiltinOperator
from numpy.typing import NDArray

from speechlstm.audio import Audio, read_audio
from speechlstm.bundle import AcousticSpec, read_bundle
from speechlstm.corpora.manifest import Manifest
from speechlstm.decoding.greedy import greedy_decode
from speechlstm.errors import ManifestError, ModelError
from speechlstm.evaluation.metrics import ErrorCounts, word_errors
from speechlstm.text.normalize import normalize
from speechlstm.training.acoustic.network import AcousticModel
from speechlstm.training.tflite.edit import Quantization, count_ops

MAX_DIFFERENCE = 1e-4  # of a log-probability in float32: rounding
MAX_REPEAT_DIFFERENCE = 1e-6  # between two runs of one utterance: nothing but the same arithmetic
MAX_WER_CHANGE = 0.005  # or one word, if that is more

# What every LiteRT runtime has: neither operators of the user nor of TensorFlow ("Flex"), nor
# StableHLO's, which only some delegates run.
ALLOWED_OPS = frozenset(
    name
    for name in vars(BuiltinOperator)
    if name.isupper()
    and not name.startswith("STABLEHLO_")
    and name not in ("CUSTOM", "DELEGATE", "PLACEHOLDER_FOR_GREATER_OP_CODES")
)


@dataclass(frozen=True)
class Verification:
    """What a bundle does, beside the Keras model it was made from.

    Attributes:
        quantization: How the file stores the recurrent kernels.
        num_bytes: Size of the .tflite file.
        ops: How often each operator stands in it.
        num_utterances: How many were compared.
        rtf: Compute seconds by audio seconds, one thread.
        max_difference: Largest absolute difference of two log-probabilities.
        repeat_difference: The same between two runs of one utterance, one after the other.
        keras_errors: Word errors of the Keras model, decoded greedily.
        file_errors: Those of the file.
    """

    quantization: Quantization
    num_bytes: int
    ops: Mapping[str, int]
    num_utterances: int
    rtf: float
    max_difference: float
    repeat_difference: float
    keras_errors: ErrorCounts
    file_errors: ErrorCounts

    @property
    def wer_change(self) -> float:
        """What the file's word error rate is above that of the Keras model."""
        added = self.file_errors.num_errors - self.keras_errors.num_errors
        return added / max(self.keras_errors.num_reference, 1)

    @property
    def _max_wer_change(self) -> float:
        """Of few words, one more that is wrong says nothing: see MAX_WER_CHANGE."""
        return max(MAX_WER_CHANGE, 1 / max(self.keras_errors.num_reference, 1))

    @property
    def failures(self) -> list[str]:
        """The bars that the bundle misses, each with its figure; empty: it is fit for use."""
        figures = [
            ("log-probabilities change between two runs of an utterance", self.repeat_difference,
             MAX_REPEAT_DIFFERENCE),
            ("the WER rises", self.wer_change, self._max_wer_change),
        ]  # fmt: skip
        if self.quantization == "none":
            figures.append(("log-probabilities differ", self.max_difference, MAX_DIFFERENCE))
        failures = [f"{what} by {found:.2g}, allowed are {bar:g}"
                    for what, found, bar in figures if not found <= bar]  # fmt: skip
        if forbidden := sorted(self.ops.keys() - ALLOWED_OPS):
            failures.append(f"operators that are not built into LiteRT: {', '.join(forbidden)}")
        return failures

    def to_text(self) -> str:
        """The figures as a table, without a line end after the last."""
        ops = ", ".join(f"{name} {num}" for name, num in sorted(self.ops.items()))
        rows = {
            "quantization": self.quantization,
            "size": f"{self.num_bytes / 1e6:.2f} MB",
            "RTF": f"{self.rtf:.4f} (one thread)",
            "max difference": f"{self.max_difference:.2g} (log-probability)",
            "WER": f"{self.keras_errors.rate:.2%} Keras, {self.file_errors.rate:.2%} this file "
            f"({100 * self.wer_change:+.2f} points, {self.num_utterances} utterances)",
            "operators": ops,
        }
        return "\n".join(f"{name:14}  {value}" for name, value in rows.items())


def read_recordings(
    manifests: Sequence[Manifest], sample_rate: int, max_utterances: int
) -> list[tuple[Audio, str]]:
    """Recordings and texts of transcribed utterances, spread evenly over the manifests.

    Raises:
        DataError: A manifest or recording cannot be read, or no utterance has a text.
    """
    utterances = [(m.audio_path(u), u.text) for m in manifests for u in m if u.text is not None]
    if not utterances:
        raise ManifestError(manifests[0].path, "no utterance has a text to verify the model on")
    chosen = utterances[:: -(-len(utterances) // max_utterances)]
    return [(read_audio(path, sample_rate), text) for path, text in chosen]


def verify(
    model: AcousticModel,
    path: Path,
    recordings: Sequence[tuple[Audio, str]],
    quantization: Quantization = "none",
) -> Verification:
    """Run a bundle in a process that cannot import TensorFlow, and compare it with its model.

    Args:
        model: The Keras model that the bundle was made from.
        path: The bundle.
        recordings: Utterances and what is said in them, at least one. The first is run twice in
            succession, lest a fused LSTM keep its state, and once by half, for another length.
        quantization: How the bundle stores the recurrent kernels; decides which bars count.

    Raises:
        ModelError: The bundle does not run, or gives no log-probabilities.
    """
    bundle = read_bundle(path)
    audios, texts = zip(*recordings, strict=True)
    half = Audio(audios[0].samples[: len(audios[0].samples) // 2], audios[0].sample_rate)
    runs = [audios[0], *audios, half]
    found, seconds = _litert_log_probs(path, runs)
    expected = _keras_log_probs(model, runs)
    differences = [np.abs(f - e).max() for f, e in zip(found, expected, strict=True)]
    if not np.isfinite(differences).all():
        raise ModelError("the exported model gives log-probabilities that are not finite")
    return Verification(
        quantization=quantization,
        num_bytes=bundle.model_path.stat().st_size,
        ops=count_ops(bundle.model_path.read_bytes()),
        num_utterances=len(texts),
        rtf=seconds / sum(audio.duration for audio in runs),
        max_difference=float(max(differences)),
        repeat_difference=float(np.abs(found[0] - found[1]).max()),
        keras_errors=_word_errors(expected[1:-1], texts, bundle.acoustic),
        file_errors=_word_errors(found[1:-1], texts, bundle.acoustic),
    )


def _word_errors(
    log_probs: Sequence[NDArray[np.float32]], texts: Sequence[str], spec: AcousticSpec
) -> ErrorCounts:
    errors = ErrorCounts()
    for utterance, text in zip(log_probs, texts, strict=True):
        characters = utterance[:, : spec.alphabet.num_labels]
        hypothesis = greedy_decode(characters, spec.alphabet, spec.frame_seconds)
        errors += word_errors(normalize(text), normalize(hypothesis.text))
    return errors


def _litert_log_probs(path: Path, runs: Sequence[Audio]) -> tuple[list[Any], float]:
    """Log-probabilities of each run in a process without TensorFlow, and seconds for all."""
    with tempfile.TemporaryDirectory() as folder:
        samples, log_probs = Path(folder) / "samples.npz", Path(folder) / "log_probs.npz"
        np.savez(samples, *(audio.samples for audio in runs))
        # -P: the script's own folder, full of modules like `loss`, stays out of sys.path.
        command = [sys.executable, "-P", str(Path(__file__).with_name("probe.py"))]
        process = subprocess.run(
            [*command, path, samples, log_probs], capture_output=True, text=True, check=False
        )
        if process.returncode:
            last = (process.stderr.splitlines() or [f"exit code {process.returncode}"])[-1]
            raise ModelError(f"the exported model does not run without TensorFlow: {last}")
        with np.load(log_probs) as arrays:
            *outputs, seconds = arrays.values()
    return outputs, float(seconds)


def _keras_log_probs(model: AcousticModel, runs: Sequence[Audio]) -> list[NDArray[np.float32]]:
    @tf.function(input_signature=[tf.TensorSpec((1, None), tf.float32)], autograph=False)
    def log_probs(samples: Any) -> Any:
        logits, _ = model({"samples": samples, "num_samples": tf.shape(samples)[1:]})
        return model.log_probs(logits)[0]

    with _exact_products():
        return [log_probs(audio.samples[np.newaxis]).numpy() for audio in runs]


@contextmanager
def _exact_products() -> Iterator[None]:
    """A GPU rounds the factors of its products to 10 bits (TensorFloat-32) unless told not to."""
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(before)
