"""Export of a g2p network to the file that speechlstm.text.g2p.G2PModel reads."""

from pathlib import Path
from typing import Any

import tensorflow as tf

from speechlstm.storage import write_atomically
from speechlstm.text.g2p import PHONES
from speechlstm.tflite.metadata import embed_metadata
from speechlstm.training.g2p.network import FRAMES, G2PNetwork
from speechlstm.training.tflite.convert import convert, inference_layer, require_tensorflow
from speechlstm.training.tflite.edit import quantize, without_cell_clip


def write_g2p(path: Path, network: G2PNetwork) -> None:
    """Write a network, with the kernels of its LSTM in 8 bits.

    Raises:
        ConfigError: Keras runs on another backend than TensorFlow.
        OSError: The file cannot be written; an existing one is unchanged.
    """
    tflite = quantize(without_cell_clip(convert_g2p(network)), "int8")
    write_atomically(path, embed_metadata(tflite, {PHONES: network.phones.symbols}))


def convert_g2p(network: G2PNetwork) -> bytes:
    """Convert the network to a TensorFlow Lite file of float32 weights and built-in operators.

    Returns:
        The content of the file. Its input is letters (1, num_letters) int32, its output logits
        (1, FRAMES * num_letters, num_labels).

    Raises:
        ConfigError: Keras runs on another backend than TensorFlow.
    """
    require_tensorflow()
    recurrent = [inference_layer(layer) for layer in network.recurrent]

    @tf.function(input_signature=[tf.TensorSpec((1, None), tf.int32, "letters")], autograph=False)
    def logits(letters: Any) -> Any:
        x = tf.repeat(network.embedding(letters), FRAMES, axis=1)
        for layer in recurrent:
            x = layer(x)
        return network.output_layer(x)

    return convert(logits, network)
