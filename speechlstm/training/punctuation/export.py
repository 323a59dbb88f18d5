"""Export of a network to the file that speechlstm.readable.punctuation.Punctuator reads."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from speechlstm import __version__
from speechlstm.errors import ModelError
from speechlstm.evaluation.readable import LabelCounts
from speechlstm.readable.features import NUM_IDS, PAUSE_BOUNDS, pause_classes, word_ids
from speechlstm.readable.marked_text import MARKS
from speechlstm.readable.punctuation import (
    LANGUAGE,
    MARK_BIASES,
    MIXED_CASE,
    Punctuator,
    described_features,
)
from speechlstm.storage import write_atomically
from speechlstm.tflite.metadata import embed_metadata
from speechlstm.training.punctuation.network import PunctuationNetwork
from speechlstm.training.punctuation.run import PunctuationRun
from speechlstm.training.punctuation.trainer import measured_on
from speechlstm.training.tflite.convert import convert, inference_layer, require_tensorflow
from speechlstm.training.tflite.edit import quantize, without_cell_clip

_BIASES = [step / 4 for step in range(-6, 13) if step]
MAX_CHANGE = 0.02  # largest mean difference of a probability between the file and the model


def export_punctuation(run: PunctuationRun, path: Path) -> float:
    """Write the best model of a run to a .tflite file of 8-bit weights, after LiteRT has run it.

    Returns:
        The mean difference of a probability between the file and the model.

    Raises:
        ConfigError: Keras runs on another backend than TensorFlow.
        ModelError: No epoch has ended yet, the run is damaged, or the file differs from the model
            by more than MAX_CHANGE; then it is not written.
        OSError: The file cannot be written; an existing one is unchanged.
    """
    network = run.best_network()
    description = {
        LANGUAGE: "en",  # figures are written for it
        MARK_BIASES: valid_biases(run, network),
        MIXED_CASE: dict(run.mixed_case),
        "training": run.summary(),
    }
    content = described_file(network, description)
    with TemporaryDirectory() as folder:
        candidate = Path(folder) / "punctuator.tflite"
        candidate.write_bytes(content)
        change = mean_change(network, Punctuator(candidate))
    if not change <= MAX_CHANGE:
        raise ModelError(f"{path}: not written: probabilities differ by {change:.3f} from Keras'")
    write_atomically(path, content)
    return change


def described_file(network: PunctuationNetwork, description: dict[str, Any]) -> bytes:
    """The content of the file: kernels and embeddings in 8 bits, and a description."""
    tflite = quantize(without_cell_clip(convert_punctuation(network)), "int8", all_kernels=True)
    head = {
        "writer": f"speechlstm {__version__}",
        **described_features(),
        network.config.section: network.config.to_dict(),
    }
    return embed_metadata(tflite, head | description)


def valid_biases(run: PunctuationRun, network: PunctuationNetwork) -> list[float]:
    """The best biases of the marks on the validation text: see best_biases."""
    data = measured_on(*run.text("valid"), run.training)
    logits, marks = [], []
    for inputs, targets in (data[index] for index in range(len(data))):
        is_word = np.arange(inputs["ids"].shape[1]) < inputs["num_words"][:, np.newaxis]
        logits.append(np.asarray(network.predict_on_batch(inputs)[0])[is_word][:, : len(MARKS)])
        marks.append(targets["marks"][is_word])
    return best_biases(np.concatenate(logits), np.concatenate(marks))


def best_biases(logits: NDArray[np.float32], marks: NDArray[np.int32]) -> list[float]:
    """The biases to be added to the logits of the marks with which the sum of their F1 is highest.

    The most probable labels alone would contain too few rare marks. The bias of a mark stays 0 if
    its precision would be below 0.5.

    Args:
        logits: (num_words, num_marks).
        marks: (num_words,), the true labels.
    """
    biases = np.zeros(len(MARKS))
    for label in (*range(1, len(MARKS)), *range(1, len(MARKS))):
        scores = {}
        for bias in (0.0, *_BIASES):
            biases[label] = bias
            counts = LabelCounts(len(MARKS))
            counts.add(marks, (logits + biases).argmax(axis=1))
            if not bias or counts.precision(label) >= 0.5:
                scores[bias] = sum(counts.f1(other) for other in range(1, len(MARKS)))
        biases[label] = max(scores, key=lambda bias: scores[bias])
    return biases.tolist()


def convert_punctuation(network: PunctuationNetwork) -> bytes:
    """Convert the network to a TensorFlow Lite file of float32 weights and built-in operators.

    Returns:
        The content of the file. Its inputs are ids (1, num_words, NUM_IDS) and pauses (1,
        num_words) int32, its output logits (1, num_words, num_marks + num_cases).

    Raises:
        ConfigError: Keras runs on another backend than TensorFlow.
    """
    require_tensorflow()
    recurrent = [inference_layer(layer) for layer in network.recurrent]
    ids = tf.TensorSpec((1, None, NUM_IDS), tf.int32, "ids")
    pauses = tf.TensorSpec((1, None), tf.int32, "pauses")
    embeddings = [layer.embeddings.value for layer in (network.embedding, network.pause_embedding)]

    @tf.function(input_signature=[ids, pauses], autograph=False)
    def logits(ids: Any, pauses: Any) -> Any:
        x = tf.reduce_sum(tf.gather(embeddings[0], ids), axis=2) + tf.gather(embeddings[1], pauses)
        for layer in recurrent:
            x = layer(x)
        return network.output_layer(x)

    return convert(logits, network)


def mean_change(network: PunctuationNetwork, punctuator: Punctuator) -> float:
    """The mean difference of the probabilities of a file and of its model, on random words."""
    generator = np.random.default_rng(1)
    words = [f"{number:x}" for number in generator.integers(1 << 16, size=100)]
    pauses = [*generator.uniform(0, 2 * PAUSE_BOUNDS[-1], 99), None]
    inputs = {
        "ids": word_ids(words)[np.newaxis],
        "pauses": pause_classes(pauses)[np.newaxis],
        "num_words": np.array([len(words)], np.int32),
    }
    expected = np.asarray(network.predict_on_batch(inputs)[0])[0]
    found = punctuator.logits(words, pauses)
    return float(np.abs(_probs(expected) - _probs(found)).mean())


def _probs(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    probs: NDArray[np.float32] = exponentials / exponentials.sum(axis=1, keepdims=True)
    return probs
