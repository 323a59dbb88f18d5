import gzip
import lzma
from pathlib import Path

import numpy as np
import pytest

from speechlstm.errors import LanguageModelError
from speechlstm.lm.ngram.arpa import is_arpa, read_arpa, write_arpa
from speechlstm.lm.ngram.table import NGramTable

SMALL = r"""made by hand

\data\
ngram 1=4
ngram 2=2

\1-grams:
-99	<s>	-0.25
-0.5	</s>
-0.75 größe -0.125
-1	<unk>

\2-grams:
-0.0625	<s> größe
0	größe </s>

\end\
"""


def read(tmp_path: Path, text: str) -> NGramTable:
    path = tmp_path / "lm.arpa"
    path.write_text(text, encoding="utf-8")
    return read_arpa(path)


def test_reads_what_stands_there(tmp_path: Path) -> None:
    table = read(tmp_path, SMALL)
    assert table.vocabulary == ["<unk>", "<s>", "</s>", "größe"]
    unigrams, bigrams = table.orders
    assert unigrams.words.tolist() == [[1], [2], [3], [0]]
    assert unigrams.log10_probs.tolist() == [-99, -0.5, -0.75, -1]
    assert unigrams.log10_backoffs.tolist() == [-0.25, 0, -0.125, 0]
    assert bigrams.words.tolist() == [[1, 3], [3, 2]]
    assert bigrams.log10_probs.tolist() == [-0.0625, 0]


def test_unknown_word_in_capitals_or_missing(tmp_path: Path) -> None:
    capitals = read(tmp_path, SMALL.replace("<unk>", "<UNK>"))
    assert capitals.vocabulary == ["<unk>", "<s>", "</s>", "größe"]
    text = SMALL.replace("größe </s>", "<unk> </s>")
    bigrams = read(tmp_path, text.replace("<unk>", "<UNK>")).orders[1]
    assert bigrams.words.tolist() == read(tmp_path, text).orders[1].words.tolist()
    missing = read(tmp_path, SMALL.replace("-1\t<unk>\n", "").replace("1=4", "1=3"))
    assert missing.orders[0].words[-1] == 0
    assert missing.orders[0].log10_probs[-1] == -100  # as KenLM


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        (
            "\\data\\",
            "\\daten\\",
            17,
            "the file ends before \\data\\: truncated, or not an ARPA file",
        ),
        ("made by hand", "iARPA", 1, "which IRSTLM writes with compile-lm --text=yes, but 'iARPA'"),
        ("made by hand", "#\n" * 1001, 1001, "not an ARPA file: there is no \\data\\ up to here"),
        ("ngram 2=2", "ngram 3=2", 5, "expected the number of 2-grams, found 'ngram 3=2'"),
        ("ngram 1=4\nngram 2=2\n", "", 5, "expected the number of 1-grams"),
        ("1=4", "1=5", 13, "expected 1-gram 5 of 5, found '\\\\2-grams:'"),
        ("1=4", "1=3", 11, "expected \\2-grams: after 3 1-grams, found '-1\\t<unk>'"),
        ("2=2", "2=1", 15, "expected \\end\\ after 1 2-grams, found '0\\tgröße </s>'"),
        ("\\end\\", "", 17, "truncated"),
        ("-0.0625", "nan", 14, "expected a log10 probability"),
        ("-0.0625", "0.0625", 14, "expected a log10 probability"),
        ("-0.0625", "-inf", 14, "expected a log10 probability"),
        ("-0.0625", "-1e9", 14, "expected a log10 probability"),
        ("-0.25", "inf", 8, "a back-off of at most 1000"),
        ("größe </s>", "größe </s>\t-0.5", 15, "and no back-off, since no longer"),
        ("-0.0625", "one", 14, "not a 2-gram"),
        ("-0.125", "one", 10, "not a 1-gram"),
        ("<s> größe", "<s> klein", 14, "not among the unigrams: 'klein'"),
        ("<s> größe", "<s>", 14, "expected 2-gram 1 of 2"),
        ("-1\t<unk>", "-1\tgröße", 11, "repeated unigram: 'größe'"),
        ("-0.5\t</s>", "-0.5\tende", None, "has no unigram </s>"),
    ],
)
def test_faults_are_named_with_their_line(
    tmp_path: Path, old: str, new: str, line: int | None, reason: str
) -> None:
    text = SMALL.replace(old, new, 1)
    assert text != SMALL
    if new == "-0.5\tende":
        text = text.replace("größe </s>", "größe ende")
    with pytest.raises(LanguageModelError) as caught:
        read(tmp_path, text)
    assert reason in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / 'lm.arpa'}:")
    if line is not None:
        assert caught.value.line == line


def test_words_that_are_no_utf8_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "lm.arpa"
    path.write_bytes(SMALL.encode("latin-1"))
    with pytest.raises(LanguageModelError, match=r"lm\.arpa:10: not UTF-8; save the file as UTF-8"):
        read_arpa(path)


def test_an_empty_file_has_no_line_to_name(tmp_path: Path) -> None:
    with pytest.raises(LanguageModelError, match=r"lm\.arpa: the file ends before") as caught:
        read(tmp_path, "")
    assert caught.value.line is None


@pytest.mark.parametrize("suffix", [".arpa", ".arpa.gz", ".arpa.xz"])
def test_a_file_cut_anywhere_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"lm{suffix}"
    write_arpa(path, read(tmp_path, SMALL))
    whole = path.read_bytes()
    assert len(read_arpa(path).orders) == 2
    for size in (0, *range(1, len(whole), 7), len(whole.rstrip()) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(LanguageModelError, match="lm"):
            read_arpa(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LanguageModelError, match=r"none\.arpa: cannot be read: No such file"):
        read_arpa(tmp_path / "none.arpa")


@pytest.mark.parametrize("suffix", ["", ".gz", ".xz"])
def test_what_is_written_is_read_again(tmp_path: Path, tiny: NGramTable, suffix: str) -> None:
    path = tmp_path / f"again.arpa{suffix}"
    write_arpa(path, tiny)
    opener = {"": open, ".gz": gzip.open, ".xz": lzma.open}[suffix]
    with opener(path, "rt") as file:
        assert [next(file) for _ in range(4)][1:] == [
            "ngram 1=207\n", "ngram 2=1833\n", "ngram 3=7831\n",
        ]  # fmt: skip
    again = read_arpa(path)
    assert again.vocabulary == tiny.vocabulary
    for found, expected in zip(again.orders, tiny.orders, strict=True):
        np.testing.assert_array_equal(found.words, expected.words)
        np.testing.assert_array_equal(found.log10_probs, expected.log10_probs)
        np.testing.assert_array_equal(found.log10_backoffs, expected.log10_backoffs)


def test_the_name_tells_an_arpa_file() -> None:
    assert all(is_arpa(Path(name)) for name in ("a.arpa", "a.arpa.gz", "a.arpa.xz"))
    assert not any(is_arpa(Path(name)) for name in ("arpa", "a.lm", "a.arpa.lm", "a.gz"))
