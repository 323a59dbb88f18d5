from itertools import groupby
from pathlib import Path

import keras
import numpy as np
import pytest

from speechlstm.text.alphabet import Alphabet
from speechlstm.text.g2p import G2PModel
from speechlstm.text.lexicon import LETTERS
from speechlstm.training.g2p.export import write_g2p
from speechlstm.training.g2p.network import FRAMES, G2PNetwork


@pytest.mark.slow
def test_the_file_says_what_the_network_says(tmp_path: Path) -> None:
    keras.utils.set_random_seed(1)
    network = G2PNetwork(Alphabet(("AA", "B", "K", "S"), " "))
    for variable in network.variables:  # so that words differ
        variable.assign(3 * variable)
    write_g2p(tmp_path / "pronouncer.tflite", network)
    pronouncer = G2PModel(tmp_path / "pronouncer.tflite")
    spoken = set()
    for word in ("tshirt", "o'clock", "a", "antidisestablishmentarianism"):
        letters = np.array([LETTERS.encode(word)], np.int32)
        inputs = {"letters": letters, "num_letters": np.array([len(word)], np.int32)}
        logits, num_steps = map(keras.ops.convert_to_numpy, network(inputs))
        assert logits.shape == (1, num_steps[0], 5)
        assert num_steps[0] == FRAMES * len(word)
        path = [label for label, _ in groupby(logits[0].argmax(axis=1)) if label]
        assert pronouncer.pronounce(word) == tuple(network.phones.symbols[i - 1] for i in path)
        spoken.add(tuple(path))
    assert len(spoken) == 4
