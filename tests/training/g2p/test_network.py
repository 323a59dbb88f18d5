import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from speechlstm.errors import TrainingError
from speechlstm.text.g2p import G2PModel
from speechlstm.text.lexicon import Lexicon, Phones
from speechlstm.training.g2p.export import write_g2p
from speechlstm.training.g2p.network import train_g2p

# A spelling in which one letter has two sounds, two letters have one, and e at the end has none.
SOUNDS = {"sh": "SH", "a": "AA", "e": "EH", "k": "K", "s": "S", "t": "T", "x": "K S"}


def sound(word: str) -> Phones:
    found = re.findall("sh|.", word.removesuffix("e"))
    return tuple(" ".join(SOUNDS[letters] for letters in found).split())


def words() -> Iterator[str]:
    for parts in product(("k", "sh", "t", "x"), "ae", ("ke", "se", "sh", "tta", "x")):
        yield "".join(parts)


@pytest.mark.slow
def test_learns_a_spelling(tmp_path: Path) -> None:
    every = list(words())
    unseen = every[::8]
    known = {word: (sound(word),) for word in every if word not in unseen}
    network = train_g2p(Lexicon(known), num_epochs=200)
    write_g2p(tmp_path / "pronouncer.tflite", network)
    pronouncer = G2PModel(tmp_path / "pronouncer.tflite")
    assert [pronouncer.pronounce(word) for word in every] == [sound(word) for word in every]


@pytest.mark.slow
def test_the_seed_decides() -> None:
    dictionary = Lexicon({word: (sound(word),) for word in words()})
    one, same, other = (
        np.concatenate([np.ravel(v) for v in train_g2p(dictionary, seed, 2).variables])
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0.01


def test_refuses_a_dictionary_it_cannot_learn_from() -> None:
    entries = {"caf\u00e9": (("K", "AE", "F", "EY"),), "w": (("D", "AH", "B", "AH"),)}
    with pytest.raises(TrainingError, match="no word"):
        train_g2p(Lexicon(entries))
