from pathlib import Path

import pytest

from speechlstm.bundle import default_bundle, read_bundle
from speechlstm.config import DecodeConfig
from speechlstm.decoding.spec import DecoderSpec
from speechlstm.lm.ngram.model import NGramModel
from speechlstm.text.alphabet import ENGLISH
from speechlstm.text.lexicon import Lexicon
from speechlstm.training.adaptation.decoder import decoder_of, write_lexicon, write_ngrams

OWN = ["open the valve", "close the valve", "open the door"] * 4


def test_ngrams_are_mixed_with_the_base_s(tmp_path: Path, tiny_lm: Path) -> None:
    path = tmp_path / "lm.ngram"
    weight = write_ngrams(path, tiny_lm, ENGLISH, OWN, ["a bat and a valve"], keep=0.0)
    assert 0 < weight < 0.3  # OWN is nothing like the base
    lm = NGramModel.load(path)
    assert {"hat", "valve", "bat", "and"} <= set(lm.words)
    assert lm.alphabet_sha256 == ENGLISH.sha256
    assert write_ngrams(path, tiny_lm, ENGLISH, OWN, [], keep=0.6) == 0.6


def test_ngrams_of_another_language_are_the_texts_alone(tmp_path: Path) -> None:
    path = tmp_path / "lm.ngram"
    assert write_ngrams(path, None, ENGLISH, OWN, [], keep=0.6) == 0.0
    assert set(NGramModel.load(path).words[1:]) == {
        "</s>", "<s>", "close", "door", "open", "the", "valve"
    }  # fmt: skip


@pytest.mark.slow
def test_words_that_the_lexicon_lacks_are_sounded_out(tmp_path: Path) -> None:
    bundle = read_bundle(default_bundle())
    path = tmp_path / "lexicon.dict"
    new = write_lexicon(path, bundle, ["yes", "zelenskyy", "zelenskyy's", "r2d2"])
    assert new.left_out == ["r2d2"]
    assert new.added == ["zelenskyy", "zelenskyy's"]
    lexicon = Lexicon.read(path)
    assert lexicon["yes"] == (("Y", "EH", "S"),)
    assert {"Z", "L", "S"} <= set(lexicon["zelenskyy"][0])
    assert lexicon.alphabet == bundle.acoustic.phones


def test_a_decoder_keeps_its_settings_unless_the_labels_are_others(tmp_path: Path) -> None:
    lm, lexicon = tmp_path / "lm", tmp_path / "lexicon"
    base = DecoderSpec(DecodeConfig(lm_weight=0.3), lm=Path("x"), lexicon=Path("y"))
    assert decoder_of(base, lm, lexicon) == DecoderSpec(base.config, lm=lm, lexicon=lexicon)
    assert decoder_of(base, lm, None).lexicon == Path("y")
    own = decoder_of(None, lm, None)
    assert (own.lm, own.lexicon, own.config.open_vocabulary) == (lm, None, True)
    assert own.config.unknown_character_log_prob > DecodeConfig().unknown_character_log_prob
