import json
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from speechlstm.errors import LanguageModelError
from speechlstm.lm.ngram.model import NGramModel
from speechlstm.lm.ngram.packed import open_packed, verify_packed, write_packed
from speechlstm.lm.ngram.quantize import quantize
from speechlstm.lm.ngram.table import NGramTable
from speechlstm.lm.ngram.trie import Trie, build_trie

WORDS = ["the", "old", "window", "stops", "our", "submarine", "never"]


@pytest.fixture(scope="module")
def trie(tiny: NGramTable) -> Trie:
    return build_trie(tiny)


@pytest.fixture(scope="module", params=["float", "quantized"])
def packed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, trie: Trie
) -> Path:
    path = tmp_path_factory.mktemp(request.param) / "tiny.lm"
    write_packed(path, quantize(trie) if request.param == "quantized" else trie, "a" * 64)
    return path


@pytest.fixture
def path(tmp_path: Path, packed: Path) -> Path:
    return Path(shutil.copy(packed, tmp_path))


def ask(path: Path) -> float:
    """What a model says of a sentence; it must be finite, or the file refused."""
    model = NGramModel.open(path)
    log_prob, _ = model.sentence_log_prob(WORDS)
    assert np.isfinite(log_prob)
    words = np.arange(model.num_words, dtype=np.int32)
    for state in (0, model.start_state, 10**9):
        states, log_probs = model.advance(np.full(len(words), state), words)
        assert np.isfinite(log_probs).all()
        assert np.isfinite(model.end_log_probs(states)).all()
    return log_prob


def test_holds_what_was_written(tmp_path: Path, trie: Trie) -> None:
    path = tmp_path / "tiny.lm"
    write_packed(path, trie, None)
    found = open_packed(path)
    assert found.alphabet_sha256 is None
    for name, expected in vars(trie).items():
        np.testing.assert_array_equal(getattr(found.trie, name), expected, err_msg=name)
    assert NGramModel.open(path).sentence_log_prob(WORDS) == NGramModel(trie).sentence_log_prob(
        WORDS
    )
    verify_packed(path)


def test_names_its_alphabet_and_is_small(path: Path, trie: Trie) -> None:
    assert NGramModel.open(path).alphabet_sha256 == "a" * 64
    num_bytes = 3 if NGramModel.open(path).trie.is_quantized else 6  # a trigram, beyond its context
    lower = sum(trie.num_ngrams[:2]) * 6 + sum(trie.num_states) * 16 + len(trie.vocabulary)
    assert path.stat().st_size < trie.num_ngrams[2] * num_bytes + lower + 10_000


def test_a_cut_file_is_refused(path: Path) -> None:
    whole = path.read_bytes()
    for cut in range(50):
        path.write_bytes(whole[: len(whole) * cut // 50])
        with pytest.raises(LanguageModelError, match=r"tiny\.lm"):
            NGramModel.open(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(LanguageModelError, match="bytes instead of"):
        NGramModel.open(path)


@pytest.mark.slow
def test_damage_is_found_or_harmless(path: Path) -> None:
    whole = path.read_bytes()
    sane, num_refused = ask(path), 0
    generator = np.random.default_rng(1)
    positions = [*range(0, 400, 13), *generator.integers(len(whole), size=60).tolist()]
    for position in positions:
        value = whole[position] ^ int(generator.choice([1, 0x40, 0x80, 0xFF]))
        path.write_bytes(whole[:position] + bytes([value]) + whole[position + 1 :])
        with pytest.raises(LanguageModelError, match=r"is damaged|not a packed|version"):
            verify_packed(path)
        try:
            ask(path)
        except LanguageModelError:
            num_refused += 1
    assert num_refused > 10  # its header is under a checksum
    path.write_bytes(whole)
    assert ask(path) == sane


@pytest.mark.parametrize("value", [0, 0xFF])
def test_an_array_of_rubbish_is_refused_or_harmless(path: Path, value: int) -> None:
    whole = path.read_bytes()
    for start in range(512, len(whole) - 5000, len(whole) // 12):
        path.write_bytes(whole[:start] + bytes([value]) * 5000 + whole[start + 5000 :])
        try:
            ask(path)
        except LanguageModelError as error:
            assert "is damaged" in str(error)


def test_what_is_no_packed_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "some.lm"
    for content, reason in [
        (b"", "is empty"),
        (b"\\data\\\nngram 1=5\n", "is not a packed language model"),
        (b"slstm-lm", "is not a packed language model"),
    ]:
        path.write_bytes(content)
        with pytest.raises(LanguageModelError, match=rf"some\.lm: {reason}"):
            NGramModel.open(path)
    with pytest.raises(LanguageModelError, match=r"none\.lm: cannot be read: No such file"):
        NGramModel.open(tmp_path / "none.lm")


def with_header(whole: bytes, version: int = 1, text: bytes = b"", **values: object) -> bytes:
    """A packed file with another header, under a checksum that is right."""
    prefix = struct.Struct("<8sIII")
    magic, _, size, _ = prefix.unpack_from(whole)
    start = prefix.size + size
    header = json.loads(whole[prefix.size : start]) | values
    text = text or json.dumps(header).encode()
    text = text.ljust(-(-(prefix.size + len(text)) // 64) * 64 - prefix.size)
    return prefix.pack(magic, version, len(text), zlib.crc32(text)) + text + whole[start:]


def test_another_version_is_refused_with_both_named(path: Path) -> None:
    path.write_bytes(with_header(path.read_bytes(), version=2))
    with pytest.raises(LanguageModelError, match=r"has format version 2, .* reads version 1"):
        NGramModel.open(path)


@pytest.mark.parametrize(
    "values",
    [
        {"num_ngrams": [207, 1833]},
        {"num_ngrams": [-207, 1833, 7831]},
        {"num_ngrams": [1e300, 1833, 7831]},
        {"num_ngrams": "many"},
        {"num_states": []},
        {"num_states": [0, 0, 0]},
        {"num_ngrams": [10**18, 1833, 7831]},
        {"num_ngrams": [True, 1833, 7831]},
        {"num_ngrams": [1] * 11, "num_states": [1] * 11},
        {"num_states": [1, 10**9, 10**9]},
        {"num_states": [1, 10**6, 1]},
        {"vocabulary_bytes": None},
        {"sentence_end": 10**6},
        {"sentence_end": -1},
        {"sentence_end": "x"},
        {"start_state": 1 << 40},
        {"quantized": "no"},
        {"alphabet_sha256": ["a"]},
        {"crc32": -1},
        {"more": 1},
        {"more": "a" * 200_000},
    ],
)
def test_an_impossible_header_is_refused(path: Path, values: dict[str, object]) -> None:
    path.write_bytes(with_header(path.read_bytes(), **values))
    with pytest.raises(LanguageModelError, match=r"^.*tiny\.lm: has.{,600}$"):
        NGramModel.open(path)


@pytest.mark.parametrize(
    "text",
    [b"{", b"[]", b"\xff", b"[" * 100_000, b'{"crc32": ' + b"9" * 5000 + b"}", b'{"a": "\\ud800"}'],
)
def test_a_header_that_is_no_json_is_refused(path: Path, text: bytes) -> None:
    path.write_bytes(with_header(path.read_bytes(), text=text))
    with pytest.raises(LanguageModelError, match=r"^.*tiny\.lm: has a wrong header: .*$"):
        NGramModel.open(path)


def test_arrays_out_of_line_are_refused(path: Path) -> None:
    whole = path.read_bytes()
    prefix = struct.Struct("<8sIII")
    magic, version, size, _ = prefix.unpack_from(whole)
    text = whole[prefix.size : prefix.size + size] + b" "
    rest = whole[prefix.size + size :]
    path.write_bytes(prefix.pack(magic, version, size + 1, zlib.crc32(text)) + text + rest)
    with pytest.raises(LanguageModelError, match="arrays are not aligned"):
        NGramModel.open(path)
