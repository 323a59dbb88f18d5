import re
from collections.abc import Iterator
from itertools import groupby, product
from pathlib import Path

import keras
import numpy as np
import pytest

from speechlstm.alphabet import Alphabet
from speechlstm.errors import AlphabetError, ModelError, TrainingError
from speechlstm.pronunciation import LETTERS, Phones, PronouncingDictionary
from speechlstm.training.pronouncer import (
    FRAMES,
    Pronouncer,
    load_pronouncer,
    save_pronouncer,
    train_pronouncer,
)

# A spelling in which one letter has two sounds, two letters have one, and e at the end has none.
SOUNDS = {"sh": "SH", "a": "AA", "e": "EH", "k": "K", "s": "S", "t": "T", "x": "K S"}


def sound(word: str) -> Phones:
    found = re.findall("sh|.", word.removesuffix("e"))
    return tuple(" ".join(SOUNDS[letters] for letters in found).split())


def words() -> Iterator[str]:
    for parts in product(("k", "sh", "t", "x"), "ae", ("ke", "se", "sh", "tta", "x")):
        yield "".join(parts)


@pytest.fixture(scope="module")
def untrained() -> Pronouncer:
    """A network whose weights are large enough that words differ."""
    keras.utils.set_random_seed(1)
    pronouncer = Pronouncer(Alphabet(("AA", "B", "K", "S"), " "))
    for variable in pronouncer.variables:
        variable.assign(3 * variable)
    return pronouncer


@pytest.mark.slow
def test_learns_a_spelling() -> None:
    every = list(words())
    unseen = every[::8]
    known = {word: (sound(word),) for word in every if word not in unseen}
    pronouncer = train_pronouncer(PronouncingDictionary(known), num_epochs=200)
    assert pronouncer.pronounce(every) == [sound(word) for word in every]


@pytest.mark.slow
def test_the_seed_decides() -> None:
    dictionary = PronouncingDictionary({word: (sound(word),) for word in words()})
    one, same, other = (
        np.concatenate([np.ravel(v) for v in train_pronouncer(dictionary, seed, 2).variables])
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0.01


def test_takes_the_best_path_of_each_word_alone(untrained: Pronouncer) -> None:
    spelled = ["tshirt", "o'clock", "a", "antidisestablishmentarianism"]
    expected = []
    for word in spelled:
        letters = np.array([LETTERS.encode(word)], np.int32)
        inputs = {"letters": letters, "num_letters": np.array([len(word)], np.int32)}
        logits, num_steps = map(keras.ops.convert_to_numpy, untrained(inputs))
        assert logits.shape == (1, num_steps[0], 5)
        assert num_steps[0] == FRAMES * len(word)
        path = [label for label, _ in groupby(logits[0].argmax(axis=1)) if label]
        expected.append(tuple(untrained.phones.symbols[label - 1] for label in path))
    assert untrained.pronounce(spelled) == expected
    assert len(set(expected)) == len(spelled)


def test_no_word_is_silent(untrained: Pronouncer) -> None:
    bias = untrained.output_layer.bias
    before = bias.numpy()
    bias.assign([1000, 0, 0, 900, 0])  # blanks, and K before the others
    assert untrained.pronounce(["sh", "psst"]) == [("K",), ("K",)]
    bias.assign(before)
    assert untrained.pronounce([]) == []


def test_names_a_word_that_it_cannot_spell(untrained: Pronouncer) -> None:
    with pytest.raises(
        AlphabetError, match=r"'caf\u00e9': not in the alphabet: '\u00e9' \(U\+00E9\)"
    ):
        untrained.pronounce(["tea", "caf\u00e9"])
    with pytest.raises(ValueError, match="an empty word"):
        untrained.pronounce(["tea", ""])


def test_is_kept_in_a_file(untrained: Pronouncer, tmp_path: Path) -> None:
    path = tmp_path / "pronouncer.npz"
    save_pronouncer(path, untrained)
    loaded = load_pronouncer(path, untrained.phones)
    assert loaded.pronounce(["some", "words"]) == untrained.pronounce(["some", "words"])
    for symbols in (("AA", "B", "K", "Z"), ("AA", "B", "K")):
        with pytest.raises(ModelError, match=re.escape(str(path))):
            load_pronouncer(path, Alphabet(symbols, " "))


def test_refuses_a_dictionary_it_cannot_learn_from() -> None:
    entries = {"caf\u00e9": (("K", "AE", "F", "EY"),), "w": (("D", "AH", "B", "AH"),)}
    with pytest.raises(TrainingError, match="no word"):
        train_pronouncer(PronouncingDictionary(entries))
