from pathlib import Path

import numpy as np
import pytest

from speechlstm.bundle import default_bundle, read_bundle
from speechlstm.errors import AlphabetError, ModelError
from speechlstm.text.g2p import G2PModel, _best_path
from speechlstm.tflite.metadata import embed_metadata


@pytest.fixture(scope="module")
def pronouncer() -> G2PModel:
    path = read_bundle(default_bundle()).decoder.g2p
    assert path
    return G2PModel(path)


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("brexit", "B R EH K S IH T"),  # none of these is in CMUdict
        ("karenina", "K AA R EH N IY N AH"),
        ("googled", "G UW G AH L D"),
        ("unfriended's", "AH N F R EH N D IH D Z"),
    ],
)
def test_sounds_out_new_words(pronouncer: G2PModel, word: str, phones: str) -> None:
    assert pronouncer.pronounce(word) == tuple(phones.split())


def test_a_word_does_not_depend_on_the_one_before(pronouncer: G2PModel) -> None:
    alone = pronouncer.pronounce("shrew")
    pronouncer.pronounce("antidisestablishmentarianism")
    assert pronouncer.pronounce("shrew") == alone


def test_names_a_word_that_it_cannot_spell(pronouncer: G2PModel) -> None:
    with pytest.raises(AlphabetError, match=r"'caf\u00e9': not in the alphabet: '\u00e9'"):
        pronouncer.pronounce("caf\u00e9")
    with pytest.raises(ValueError, match="an empty word"):
        pronouncer.pronounce("")


def test_no_word_is_silent() -> None:
    blank = np.tile(np.float32([1000, 0, 0, 900, 0]), (4, 1))  # label 3 before the others
    assert _best_path(blank) == [3]
    blank[1, 2] = 2000
    assert _best_path(blank) == [2]


def test_another_file_is_refused(pronouncer: G2PModel, tmp_path: Path) -> None:
    bundle = read_bundle(default_bundle())
    assert bundle.decoder.g2p
    whole = bundle.decoder.g2p.read_bytes()
    path = tmp_path / "p.tflite"
    for content, reason in (
        (whole[:-100], "damaged"),
        (b"", "damaged"),
        (bundle.model_path.read_bytes(), "is not a G2P network"),
        (embed_metadata(whole[:-32], {"phones": ["AA", "AA"]}), "repeated symbols"),
    ):
        path.write_bytes(content)
        with pytest.raises(ModelError, match=rf"p\.tflite: .*{reason}"):
            G2PModel(path)
