import gzip
import lzma
from pathlib import Path

import pytest

from speechlstm.errors import DataError
from speechlstm.lm.text import (
    Exclusion,
    limit_vocabulary,
    read_sentences,
    tokenize,
    words_by_frequency,
)

TEXT = "\ufeffOne, two!\r\n\n  \nÉtÉ -- d'hiver\nTHREE\n"


@pytest.mark.parametrize(
    ("name", "opener"), [("t.txt", open), ("t.txt.gz", gzip.open), ("t.txt.xz", lzma.open)]
)
def test_sentences_are_normalised_lines(tmp_path: Path, name: str, opener: type) -> None:
    path = tmp_path / name
    with opener(path, "wb") as file:
        file.write(TEXT.encode())
    assert list(read_sentences(path)) == ["one two", "été d'hiver", "three"]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("t.txt", b"fine\nbad \xff\n", r"t\.txt:2: not UTF-8"),
        ("t.txt", b" \n--\n", r"t\.txt: has no sentence"),
        ("t.txt", b"", r"t\.txt: has no sentence"),
        ("t.gz", b"plain\n", r"t\.gz: cannot be decompressed"),
        ("t.gz", gzip.compress(b"cut short\n" * 9, mtime=0)[:-9], r"t\.gz: cannot be decompressed"),
        ("t.xz", lzma.compress(b"cut short\n" * 9)[:-9], r"t\.xz: cannot be decompressed"),
        ("none/t.txt", None, r"t\.txt: cannot be read: No such file"),
    ],
)
def test_a_text_that_cannot_be_read_is_named(
    tmp_path: Path, name: str, content: bytes | None, reason: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=reason):
        list(read_sentences(path))


def test_tokens_are_ids_between_sentence_marks() -> None:
    text = tokenize(["b a", "a"])
    assert text.vocabulary == ["<unk>", "<s>", "</s>", "b", "a"]
    assert text.tokens.tolist() == [1, 3, 4, 2, 1, 4, 2]


def test_blocks_join_without_a_seam() -> None:
    sentences = [f"w{i % 7} x" for i in range(20_001)]
    text = tokenize(sentences)
    words = " ".join(text.vocabulary[token] for token in text.tokens)
    assert words == " ".join(f"<s> {sentence} </s>" for sentence in sentences)


def test_nothing_to_learn_from() -> None:
    with pytest.raises(DataError, match="has no sentence"):
        tokenize([])


def test_vocabulary_by_frequency_and_by_choice() -> None:
    text = tokenize(["c b a", "b", "c"])
    assert words_by_frequency(text) == ["c", "b", "a"]
    limited = limit_vocabulary(text, ["b", "z", "b"])
    assert limited.vocabulary == ["<unk>", "<s>", "</s>", "b", "z"]
    assert limited.tokens.tolist() == [1, 0, 3, 0, 2, 1, 3, 2, 1, 0, 2]


def test_exclusion_leaves_out_and_counts() -> None:
    exclusion = Exclusion(["one two", "not there"])
    kept = list(exclusion.filter(["three", "one two", "one", "one two"]))
    assert (kept, exclusion.num_found, exclusion.first_found) == (["three", "one"], 2, "one two")
