from pathlib import Path

import pytest

from speechlstm.errors import DataError
from speechlstm.text.lexicon import Lexicon
from speechlstm.text.normalize import normalize

CMU = """;;; comment
a AH0
a(2) EY1
cat K AE1 T
dog D AO1 G # animal, dog
KISS K IH1 S
read R EH1 D
read(2) R IY1 D
read(3) R EH0 D
"""


@pytest.fixture
def dictionary(tmp_path: Path) -> Lexicon:
    path = tmp_path / "cmudict.dict"
    path.write_text(CMU)
    return Lexicon.read(path)


def test_reads_cmudict_without_stress(dictionary: Lexicon) -> None:
    assert dictionary["read"] == (("R", "EH", "D"), ("R", "IY", "D"))
    assert dictionary["a"] == (("AH",), ("EY",))
    assert dictionary["kiss"] == (("K", "IH", "S"),)
    assert dictionary["bird"] == ()
    assert dictionary.alphabet.symbols == (
        *("AE", "AH", "AO", "D", "EH", "EY", "G", "IH", "IY", "K", "R", "S", "T"),
    )
    assert dictionary.alphabet.separator == " "


def test_words_are_those_of_normalised_texts(tmp_path: Path) -> None:
    path = tmp_path / "a.dict"
    path.write_text("don\u2019t D OW N T\ncafe\u0301 K AE F EY\nGRO\u1e9e G R OW S\n", "utf-8")
    lexicon = Lexicon.read(path)
    for word in ("don't", "caf\u00e9", "gro\u00df"):
        assert lexicon[normalize(word)] and lexicon[word]


def test_probabilities_of_kaldi_and_mfa_are_no_phones(tmp_path: Path) -> None:
    path = tmp_path / "lexiconp.txt"
    path.write_text("READ 0.3 R IY D\nREAD\t1.0\tR EH D\ncat\t0.99\t0.15\t0.91\t1.07\tK AE T\n")
    assert Lexicon.read(path).entries == {
        "read": (("R", "EH", "D"), ("R", "IY", "D")),
        "cat": (("K", "AE", "T"),),
    }
    path.write_text("cat 0.99\n")
    with pytest.raises(DataError, match=":1: 'cat' has no phones"):
        Lexicon.read(path)


def test_no_word_is_empty_and_comments_are_no_words(tmp_path: Path) -> None:
    path = tmp_path / "cmudict-0.7b"
    path.write_text(
        "# made by hand\n## twice\n(PAREN  P ER EH1 N\n#HASH-MARK  HH AE1 SH\nA(02)  EY1\n"
    )
    assert list(Lexicon.read(path).entries) == ["(paren", "#hash-mark", "a"]


def test_what_is_written_is_read(dictionary: Lexicon, tmp_path: Path) -> None:
    dictionary.write(tmp_path / "out.dict")
    assert Lexicon.read(tmp_path / "out.dict").entries == dictionary.entries


@pytest.mark.parametrize(
    ("word", "phones"),
    [("cat's", "K AE T S"), ("dog's", "D AO G Z"), ("kiss's", "K IH S IH Z"), ("cat'", "K AE T")],
)
def test_possessives_sound_like_the_noun_and_s(dictionary: Lexicon, word: str, phones: str) -> None:
    assert dictionary[word] == (tuple(phones.split()),)


def test_pronounces_texts_of_known_words_only(dictionary: Lexicon) -> None:
    assert dictionary.pronounce("a dog's cat") == "AH D AO G Z K AE T"
    assert dictionary.pronounce("") == ""
    assert dictionary.pronounce("a bird") is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"cat K AE1 T\ndog\n", ":2: 'dog' has no phones"), (b"", "has no pronunciation"),
     (b"caf\xe9 K AE\n", "not UTF-8"), (b"cat K\n" + b"c" * 10**6 + b" K", ":2: 'ccc.*too long"),
     (b"cat" + b" K" * 10**6, ":1: 'cat' with 1000000 phones is too long")],
)  # fmt: skip
def test_refuses_what_is_no_dictionary(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "lexicon.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=reason):
        Lexicon.read(path)


def test_names_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"missing\.dict: No such file"):
        Lexicon.read(tmp_path / "missing.dict")
