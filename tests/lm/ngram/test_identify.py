import bz2
import gzip
import lzma
from pathlib import Path

import pytest

from speechlstm.bundle import default_bundle
from speechlstm.errors import LanguageModelError
from speechlstm.lm.ngram.model import NGramModel

KENLM = b"mmap lm http://kheafield.com/code format version 5\n\0" + bytes(100)


@pytest.fixture
def arpa(tiny_lm: Path) -> bytes:
    return tiny_lm.with_suffix(".arpa").read_bytes()


@pytest.mark.parametrize("name", ["a.arpa", "a.ARPA", "a.Arpa.GZ", "a.arpa.XZ"])
def test_an_arpa_file_is_read_by_its_name_in_any_case(
    name: str, arpa: bytes, tmp_path: Path
) -> None:
    path = tmp_path / name
    pack = {".gz": gzip.compress, ".xz": lzma.compress}.get(path.suffix.lower(), bytes)
    path.write_bytes(pack(arpa))
    assert NGramModel.load(path).num_words == 6


def test_a_byte_order_mark_is_no_fault(arpa: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.arpa").write_bytes(b"\xef\xbb\xbf" + arpa)
    assert NGramModel.load(tmp_path / "a.arpa").num_words == 6


@pytest.mark.parametrize(
    ("name", "pack", "kind"),
    [
        ("a.lm", bytes, "an ARPA file: its name must end in .arpa"),
        ("a.gz", gzip.compress, "a compressed ARPA file: its name must end in .arpa.gz"),
        ("a.lm", lzma.compress, "a compressed ARPA file: its name must end in .arpa.xz"),
    ],
)
def test_an_arpa_file_of_another_name_is_named(
    name: str, pack: object, kind: str, arpa: bytes, tmp_path: Path
) -> None:
    assert callable(pack)
    (tmp_path / name).write_bytes(pack(arpa))
    with pytest.raises(
        LanguageModelError, match=f"{name}: is not a packed language model but {kind}"
    ):
        NGramModel.load(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (KENLM, "a KenLM binary, which only KenLM can read: give the ARPA file"),
        ("the cat sat\non the mät\n".encode(), "a text: make .* with speechlstm lm build"),
        ((default_bundle() / "rescorer.tflite").read_bytes(), "a .tflite file: .* --neural-lm"),
        ((default_bundle() / "lexicon.tree").read_bytes(), "a packed lexicon"),
        (gzip.compress(b"the cat"), "compressed: decompress it"),
        (bz2.compress(b"the cat"), "compressed by bzip2: decompress it"),
        (b"Trie Language Model" + bytes(99), "a binary of CMU Sphinx: .* sphinx_lm_convert"),
        (b"\x11\0\0\0Darpa Trigram LM" + bytes(99), "a binary of CMU Sphinx"),
        (bytes(100), "something else: make a language model with"),
    ],
    ids=["KenLM", "text", "tflite", "lexicon", "gzip", "bzip2", "Sphinx", "DMP", "zeros"],
)
def test_what_is_no_language_model_is_named(content: bytes, kind: str, tmp_path: Path) -> None:
    (tmp_path / "a.lm").write_bytes(content)
    with pytest.raises(LanguageModelError, match=rf"a\.lm: is not a packed .* but {kind}"):
        NGramModel.load(tmp_path / "a.lm")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (KENLM, "is not an ARPA file but a KenLM binary"),
        (b"slstm-lm" + bytes(100), "is not an ARPA file but a packed language model"),
        (gzip.compress(b"\\data\\\n"), "but a compressed ARPA file: its name must end in .arpa.gz"),
    ],
    ids=["KenLM", "packed", "gzip"],
)
def test_what_is_no_arpa_file_is_named(content: bytes, kind: str, tmp_path: Path) -> None:
    (tmp_path / "a.arpa").write_bytes(content)
    with pytest.raises(LanguageModelError, match=rf"a\.arpa: .*{kind}"):
        NGramModel.load(tmp_path / "a.arpa")
