"""Export of a trained classifier to a bundle, which is verified before it is written."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from keras import ops

from speechlstm.arguments import StrPath
from speechlstm.audio import Audio
from speechlstm.bundle import MODEL, write_classifier
from speechlstm.classification.classifier import label_of
from speechlstm.classification.model import EMBEDDING, LOG_PROBS
from speechlstm.evaluation.metrics import ErrorCounts
from speechlstm.training.acoustic.conversion import (
    FILES,
    TARGETS,
    Target,
    convert_of_samples,
    inference_encoder,
)
from speechlstm.training.acoustic.export import (
    MAX_UTTERANCES,
    Report,
    check_export,
    write_if_verified,
)
from speechlstm.training.acoustic.recordings import read_recordings
from speechlstm.training.acoustic.verification import Outputs, Verification, verified
from speechlstm.training.classification.network import ClassifierNetwork, pooled
from speechlstm.training.classification.run import ClassifierRun
from speechlstm.training.classification.trained import TrainedClassifier, trained_classifier
from speechlstm.training.tflite.edit import Quantization, quantize, without_cell_clip, without_names


def export_classifier(
    run: ClassifierRun | StrPath,
    bundle: StrPath,
    quantization: Quantization | None = None,
    manifests: Sequence[StrPath] = (),
    max_utterances: int = MAX_UTTERANCES,
    report: Report = lambda verification: None,
    targets: Sequence[Target] = TARGETS,
    max_seconds: float | None = None,
) -> Verification:
    """Export the best network of a run, or the network of a bundle, to a bundle.

    The arguments are those of `speechlstm.training.export`; the error rate that may not rise is the
    share of the utterances whose class is wrong. The kernel of the output layer is quantized, too.

    Returns:
        The verification of the first file.

    Raises:
        ModelError: No epoch of the run has ended, or an exported file does not run.
        BundleError: A file fails the verification and nothing is written, or the folder holds
            something else, or the weights of a bundle cannot be read.
        DataError: A manifest or recording cannot be read, or no utterance can be used.
        ConfigError: Keras runs on another backend than TensorFlow, or max_seconds is given without
            the target everywhere.
    """
    path = Path(bundle)
    check_export(path, targets, max_seconds)
    trained = trained_classifier(run)
    rate, label = trained.spec.features.sample_rate, trained.spec.label
    max_samples = None if max_seconds is None else round(max_seconds * rate)
    recordings = read_recordings(
        manifests or trained.valid,
        rate,
        max_utterances,
        max_samples,
        partial(label_of, field=label),
        label,
    )
    quantization = quantization or trained.quantization
    files = {
        FILES[target]: convert_target(trained.network, target, quantization, max_samples)
        for target in targets
    }
    verifications = write_if_verified(
        path,
        list(files),
        lambda folder: write_classifier(folder, files, trained.spec),
        partial(_verify, trained, recordings=recordings, quantization=quantization),
        report,
    )
    return verifications[0]


def convert_target(
    network: ClassifierNetwork,
    target: Target,
    quantization: Quantization,
    max_samples: int | None = None,
) -> bytes:
    """Convert a network to the file of a target; arguments as for an acoustic model."""
    if FILES[target] == MODEL:
        tflite = without_cell_clip(convert_classifier(network))
    else:
        tflite = convert_classifier(network, fused=False, max_samples=max_samples)
    return without_names(quantize(tflite, quantization, output_kernels=True))


def convert_classifier(
    network: ClassifierNetwork, fused: bool = True, max_samples: int | None = None
) -> bytes:
    """Convert a network to a TensorFlow Lite file of float32 weights and built-in operators.

    Args:
        fused: Whether to use a fused operator for LSTMs; other cells are always loops.
        max_samples: Length of all inputs, as in `convert_acoustic`.

    Returns:
        The content of the file. Its inputs are those of an acoustic model; its outputs are natural
        log-probabilities (1, num_classes) and the embedding (1, 2 * width).

    Raises:
        ConfigError: Keras runs on another backend than TensorFlow.
    """
    encode = inference_encoder(network, fused)

    def outputs(samples: Any, num_samples: Any = None) -> dict[str, Any]:
        embedding = pooled(*encode(samples, num_samples))
        log_probs = ops.log_softmax(network.output_layer(embedding))
        return {LOG_PROBS: log_probs, EMBEDDING: embedding}

    return convert_of_samples(outputs, network, max_samples)


def _verify(
    trained: TrainedClassifier,
    path: Path,
    recordings: Sequence[tuple[Audio, str]],
    quantization: Quantization,
) -> Verification:
    """Compare a file, run without TensorFlow, with its network."""
    classes = trained.spec.classes

    def outputs(inputs: dict[str, Any]) -> Any:
        logits, embeddings = trained.network(inputs)
        return tf.concat([ops.log_softmax(logits), embeddings], axis=-1)

    def errors(found: Outputs, references: Sequence[str]) -> ErrorCounts:
        best = [classes[int(np.argmax(values[: len(classes)]))] for values in found]
        hits = sum(a == b for a, b in zip(best, references, strict=True))
        return ErrorCounts(hits=hits, substitutions=len(best) - hits)

    return verified(path, recordings, outputs, errors, quantization, rate_name="error rate")
