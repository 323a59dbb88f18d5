"""Export of a language model to a .tflite file, which is verified before it is written."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from speechlstm import __version__
from speechlstm.errors import ModelError
from speechlstm.lm.lstm import ALPHABET, WORDS, LSTMLanguageModel
from speechlstm.lm.text import START_ID
from speechlstm.storage import write_atomically
from speechlstm.tflite.metadata import embed_metadata
from speechlstm.training.lm.dataset import SentenceDataset
from speechlstm.training.lm.network import LanguageModelNetwork
from speechlstm.training.lm.run import LanguageModelRun
from speechlstm.training.lm.trainer import measured_perplexity
from speechlstm.training.tflite.convert import convert, require_tensorflow
from speechlstm.training.tflite.edit import Quantization, quantize

MAX_CHANGE = 0.02  # largest relative change of the perplexity by the export
_MAX_WORDS = 5000  # of the validation text, on which they are compared


def export_language_model(
    run: LanguageModelRun, path: Path, quantization: Quantization = "none"
) -> tuple[float, float]:
    """Write the best model of a run to a .tflite file, after it has been run by LiteRT.

    Args:
        quantization: How to store embeddings and kernels: "none" (float32), "float16" or "int8".

    Returns:
        The perplexity of the first 5,000 words of the validation text under the Keras model, and
        under the file.

    Raises:
        ConfigError: Keras runs on another backend than TensorFlow.
        ModelError: No epoch has ended yet, the run is damaged, or the perplexity changes by more
            than MAX_CHANGE; then no file is written.
        OSError: The file cannot be written; an existing one is unchanged.
    """
    network = run.best_network()
    description = {
        "writer": f"speechlstm {__version__}",
        WORDS: " ".join(run.words),
        ALPHABET: run.alphabet_sha256,
        network.config.section: network.config.to_dict(),
        "training": run.summary(),
    }
    tflite = quantize(convert_language_model(network), quantization, all_kernels=True)
    content = embed_metadata(tflite, description)
    tokens = _beginning(run.tokens("valid"))
    expected = measured_perplexity(network, SentenceDataset(tokens, len(run.words), 500, 1))
    with TemporaryDirectory() as folder:
        candidate = Path(folder) / "lm.tflite"
        candidate.write_bytes(content)
        found = _perplexity(LSTMLanguageModel(candidate), tokens)
    if not abs(found / expected - 1) <= MAX_CHANGE:
        raise ModelError(
            f"{path}: not written: the perplexity is {found:.2f} by LiteRT but {expected:.2f} in "
            f"Keras, the limit is a change of {MAX_CHANGE:.0%}; try another --quantize"
        )
    write_atomically(path, content)
    return expected, found


def _beginning(tokens: NDArray[np.int32]) -> NDArray[np.int32]:
    """The first complete sentences, of about _MAX_WORDS words; at least one sentence."""
    later_starts = np.flatnonzero(tokens == START_ID)[1:]
    far_enough = later_starts[later_starts >= _MAX_WORDS]
    return tokens[: int(far_enough[0])] if far_enough.size else tokens


def _perplexity(model: LSTMLanguageModel, tokens: NDArray[np.int32]) -> float:
    words = np.array(model.words, object)
    sentences = [
        list(words[ids[1:-1]]) for ids in np.split(tokens, np.flatnonzero(tokens == START_ID)[1:])
    ]
    total = sum(
        model.sentence_log_probs(sentences[i : i + 100])[0].sum()
        for i in range(0, len(sentences), 100)
    )
    return float(np.exp(-total / sum(len(sentence) + 1 for sentence in sentences)))


def convert_language_model(network: LanguageModelNetwork) -> bytes:
    """Convert one step of a language model, with its state as input and output.

    Returns:
        The content of a TensorFlow Lite file. Its inputs are words (n,) int32 and the state before
        them, h and c (n, num_layers, num_units) float32; its outputs are log_probs (n, num_words),
        natural, of the next words, and the new state h and c.

    Raises:
        ConfigError: Keras runs on another backend than TensorFlow.
    """
    require_tensorflow()
    state = tf.TensorSpec((None, network.config.num_layers, network.config.num_units), tf.float32)

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.int32), state, state], autograph=False)
    def step(words: Any, h: Any, c: Any) -> dict[str, Any]:
        x = tf.gather(network.embedding.embeddings.value, words)
        states = []
        for index, layer in enumerate(network.recurrent):
            x, state = layer.layer.cell(x, [h[:, index], c[:, index]])
            states.append(state)
        outputs, cells = (tf.stack(values, axis=1) for values in zip(*states, strict=True))
        log_probs = network.log_probs(network.projection(x))
        return {"log_probs": log_probs, "h": outputs, "c": cells}

    return convert(step, network)
