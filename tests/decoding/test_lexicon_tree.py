import zlib
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechlstm.decoding.lexicon_tree import LexiconTree
from speechlstm.decoding.prefix_tree import PrefixTree
from speechlstm.errors import AlphabetError, ConfigError, DataError, LexiconError
from speechlstm.text.alphabet import ENGLISH, Alphabet

PHONES = Alphabet(("AH", "D", "EH", "R", "IY"), separator=" ")
CMUDICT = """\
;;; a comment
read R EH1 D
read(2) R IY1 D # in the present
red R EH1 D
ready R EH1 D IY0
"""


def entries(lexicon: LexiconTree, alphabet: Alphabet) -> set[tuple[str, str]]:
    """Each word with its symbols."""
    tree = lexicon.tree
    return {
        (lexicon.words[word], alphabet.decode(tree.sequence(i)))
        for i, word in enumerate(tree.values)
    }


@st.composite
def spellings(draw: st.DrawFn) -> tuple[int, list[tuple[list[int], int]]]:
    num_labels = draw(st.sampled_from([3, 5, 66, 130, 300]))
    labels = st.integers(1, min(3, num_labels - 1)) | st.integers(1, num_labels - 1)
    sequence = st.lists(labels, min_size=1, max_size=5)
    return num_labels, draw(st.lists(st.tuples(sequence, st.integers(0, 3)), max_size=20))


@pytest.mark.slow
@given(spellings(), st.integers(0, 2**32 - 1))
def test_a_tree_holds_what_it_was_built_from(
    drawn: tuple[int, list[tuple[list[int], int]]], seed: int
) -> None:
    num_labels, spelled = drawn
    rows = np.zeros((len(spelled), 5), np.uint8 if num_labels <= 256 else np.uint16)
    for row, (sequence, _) in zip(rows, spelled, strict=True):
        row[: len(sequence)] = sequence
    tree = PrefixTree.build(num_labels, rows, np.array([v for _, v in spelled], np.int32))
    tree.check(4)
    scores = np.random.default_rng(seed).normal(size=len(tree.values))
    best = tree.best_below(scores)
    values, below = defaultdict(set), defaultdict(lambda: -np.inf)
    for sequence, value in spelled:
        values[tuple(sequence)].add(value)
    for i, score in enumerate(scores):
        sequence = tree.sequence(i)
        for length in range(len(sequence) + 1):
            prefix = sequence[:length]
            below[prefix] = max(below[prefix], score)
    below[()] = below[()]  # the root is there without any sequence
    assert tree.outside == len(below)
    for prefix, expected in below.items():
        node = np.array([0])
        for label in prefix:
            node = tree.children(node, np.array([label]))
        first, last = tree.first_values[node[0] : node[0] + 2]
        assert set(tree.values[first:last].tolist()) == values[prefix]
        assert best[node[0]] == expected
        labels = np.arange(1, num_labels)
        found = tree.children(np.full(len(labels), node[0]), labels) != tree.outside
        assert set(labels[found].tolist()) == {p[-1] for p in below if p and p[:-1] == prefix}


def test_nothing_leads_back_from_outside() -> None:
    tree = LexiconTree.from_words(["a", "ab"], ENGLISH).tree
    labels = np.arange(1, ENGLISH.num_labels)
    assert (tree.children(np.full(len(labels), tree.outside), labels) == tree.outside).all()


def test_words_are_spelled() -> None:
    lexicon = LexiconTree.from_words(["don't", "do", "a"], ENGLISH)
    assert entries(lexicon, ENGLISH) == {("don't", "don't"), ("do", "do"), ("a", "a")}


def test_words_beyond_the_alphabet_are_refused_or_left_out() -> None:
    words = ["do", "café", "<s>", "do it", "\U0001f600", ""]
    with pytest.raises(AlphabetError, match=r"'café': not in the alphabet: 'é' \(U\+00E9\)"):
        LexiconTree.from_words(words, ENGLISH)
    with pytest.raises(AlphabetError, match=r"'do it': .*' '"):
        LexiconTree.from_words(words[3:], ENGLISH)
    assert entries(LexiconTree.from_words(words, ENGLISH, skip=True), ENGLISH) == {("do", "do")}


def test_a_word_of_megabytes_is_refused_or_left_out() -> None:
    words = ["do", "a" * 5_000_000]
    with pytest.raises(DataError, match=r"'aaa.*aaa' has 5000000 characters; words may have at"):
        LexiconTree.from_words(words, ENGLISH)
    assert entries(LexiconTree.from_words(words, ENGLISH, skip=True), ENGLISH) == {("do", "do")}


def test_a_packed_lexicon_of_endless_words_is_refused(tmp_path: Path) -> None:
    depth = 100_000  # a chain, under a right checksum
    labels, ones = np.full(depth + 1, 1, np.uint8), np.ones(depth + 1, np.uint8)
    labels[0], ones[-1] = 0, 0
    num_values = np.zeros(depth + 1, np.uint16)
    num_values[-1] = 1
    tree = PrefixTree(ENGLISH.num_labels, labels, ones, num_values, np.zeros(1, np.int32))
    path = tmp_path / "packed"
    path.write_bytes(LexiconTree(["a"], tree, ENGLISH.sha256).packed())
    with pytest.raises(LexiconError, match="a word has more than 500 symbols"):
        LexiconTree.open(path)


def test_phones_do_not_spell() -> None:
    with pytest.raises(ConfigError, match="give a lexicon"):
        LexiconTree.from_words(["red"], PHONES)


def test_a_pronouncing_dictionary_is_read(tmp_path: Path) -> None:
    path = tmp_path / "cmudict.dict"
    path.write_text(CMUDICT)
    lexicon = LexiconTree.load(path, PHONES)
    assert entries(lexicon, PHONES) == {
        ("read", "R EH D"),
        ("read", "R IY D"),
        ("red", "R EH D"),
        ("ready", "R EH D IY"),
    }


def test_a_symbol_that_the_alphabet_lacks_is_named(tmp_path: Path) -> None:
    path = tmp_path / "lexicon.txt"
    path.write_text("red R EH D\nrare R EH ZZ\n")
    with pytest.raises(AlphabetError, match="'rare': not in the alphabet: 'ZZ'"):
        LexiconTree.read(path, PHONES)


def test_sequences_of_words_are_found() -> None:
    ways = {"red": [["R", "EH", "D"], ["R", "EH"]], "reed": [["R", "EH", "D"]]}
    lexicon = LexiconTree.from_pronunciations(ways, PHONES)
    found = lexicon.sequences_of(["red", "rare"])
    assert {word: set(labels) for word, labels in found.items()} == {
        "red": {tuple(PHONES.encode(" ".join(way))) for way in ways["red"]}
    }
    assert LexiconTree.from_pronunciations({}, PHONES).sequences_of(["red"]) == {}


@pytest.mark.parametrize("words", [["do", "don't", "a"], []])
def test_a_packed_lexicon_is_the_same(tmp_path: Path, words: list[str]) -> None:
    lexicon = LexiconTree.from_words(words, ENGLISH)
    (tmp_path / "packed").write_bytes(lexicon.packed())
    opened = LexiconTree.load(tmp_path / "packed", ENGLISH)
    assert entries(opened, ENGLISH) == entries(lexicon, ENGLISH)
    assert (opened.words, opened.alphabet_sha256) == (words, ENGLISH.sha256)


def test_damage_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "packed"
    whole = LexiconTree.from_words(["do", "don't", "a"], ENGLISH).packed()
    damaged = [whole[:size] for size in range(len(whole))]
    damaged += [whole[:i] + bytes([whole[i] ^ 16]) + whole[i + 1 :] for i in range(len(whole))]
    for content in [*damaged, whole + b"\n"]:
        path.write_bytes(content)
        with pytest.raises(LexiconError, match="packed: "):
            LexiconTree.open(path)
    with pytest.raises(LexiconError, match="cannot be read: No such file"):
        LexiconTree.load(tmp_path / "missing", ENGLISH)


@pytest.mark.slow
def test_no_file_with_a_right_checksum_crashes(tmp_path: Path) -> None:
    path = tmp_path / "packed"
    packed = LexiconTree.from_words(["do", "don't", "a"], ENGLISH).packed()
    content = np.frombuffer(packed, np.uint8)
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        changed = content.copy()
        changed[random.integers(16, len(content), 2)] = random.integers(0, 256, 2)
        checksum = zlib.crc32(changed[16:].tobytes()).to_bytes(4, "little")
        path.write_bytes(changed[:12].tobytes() + checksum + changed[16:].tobytes())
        try:
            tree = LexiconTree.open(path).tree
            tree.children(np.arange(tree.outside), np.ones(tree.outside, np.int64))
            tree.best_below(np.zeros(len(tree.values)))
        except LexiconError:
            refused += 1
    assert 100 < refused < 300
