from itertools import product
from pathlib import Path
from typing import Any

import pytest

from speechlstm.errors import ConfigError, DataError
from speechlstm.text.phrases import (
    MAX_PHRASES,
    Phrase,
    phrase_lengths,
    read_phrase_file,
    read_phrases,
)


def test_phrases_are_normalised_and_have_weights() -> None:
    given = ["Turn on the LIGHT!:2.5", " [UNK] :0.5", Phrase("no")]
    assert read_phrases(given) == (
        Phrase("turn on the light", 2.5),
        Phrase("[unk]", 0.5),
        Phrase("no"),
    )
    assert read_phrases({"yes": 2}) == (Phrase("yes", 2.0),)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("yes", "must be a list of phrases, is 'yes'"),
        (3, "must be a list of phrases"),
        ([], "there is none"),
        (["[unk]"], "there is none"),
        (["yes", "YES!"], "'yes' is given twice"),
        (["?!"], "'\\?!' has no word"),
        (["a" * 201], "at most 200 characters"),
        ([["yes"]], "phrases"),
        ({"yes": "much"}, "weight of 'yes' must be a number from 1e-06 to"),
        ({"yes": True}, "weight of 'yes' must be"),
        ({"yes": 1e-320}, "weight of 'yes' must be"),
        (["yes:1e-7"], "weight of 'yes' must be"),
        (["yes:0"], "from 1e-06 to 1e\\+06, is 0.0"),
        (["yes:nan"], "a number from 1e-06"),
        (["yes:loud"], "'yes:loud': the text after the colon must be a weight"),
        (['["yes", "no"]'], "one phrase a line"),
        ([f"{'x' * (i % 150)} {i}" for i in range(MAX_PHRASES + 1)], "more than the limit"),
    ],
)  # fmt: skip
def test_phrases_that_are_none(given: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_phrases(given)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "p.txt: has no phrase; write one a line"),
        (b"\n[unk]\n", "p.txt: has no phrase"),
        (b"yes\n\nno:x\n", "p.txt:3: 'no:x': the text after the colon"),
        (b"yes\nno\nYes.\n", "p.txt:3: 'yes' is given twice, first in .*p.txt:1"),
        (b"yes\n???\n", r"p.txt:2: '\?\?\?' has no word"),
        (b"yes:-1\n", "p.txt:1: the weight of 'yes' must be"),
        (b"gr\xf6\xdfe\n", "p.txt: not UTF-8"),
        (b"yes\n" + b"a" * 300, "p.txt:2: must have at most 200 characters"),
        (b"yes no\n" * 200_000, "p.txt: cannot be read: has more than 1048576 bytes"),
        (b"\x00\x01\x02", "p.txt: has zero bytes"),
    ],
)
def test_bad_files_are_named_with_their_line(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "p.txt").write_bytes(content)
    with pytest.raises((ConfigError, DataError), match=message) as caught:
        read_phrase_file(tmp_path / "p.txt")
    assert "\n" not in str(caught.value)


def test_a_file_with_a_byte_order_mark_and_a_comment(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_bytes(
        "\ufeff# Maß:e\r\n\t# groß\r\ngröße:2 # Maß\r\n\r\n[unk]\r\n".encode()
    )
    assert read_phrase_file(tmp_path / "p.txt") == (Phrase("größe", 2.0), Phrase("[unk]"))
    with pytest.raises(DataError, match="missing"):
        read_phrase_file(tmp_path / "missing")


def divisions(words: tuple[str, ...], phrases: set[tuple[str, ...]]) -> list[list[int]]:
    """All ways to divide words into phrases."""
    if not words:
        return [[]]
    return [
        [*before, n]
        for n in range(1, len(words) + 1)
        if words[-n:] in phrases
        for before in divisions(words[:-n], phrases)
    ]


def test_words_are_divided_into_phrases_if_that_is_possible() -> None:
    phrases = {("a",), ("a", "b"), ("b", "a", "b"), ("c",), ("b", "c", "a")}
    for length in range(6):
        for words in product("abc", repeat=length):
            found = phrase_lengths(words, phrases)
            whole = max(n for n in range(length + 1) if divisions(words[:n], phrases))
            rest = [length - whole] if whole < length else []
            assert found[: len(found) - len(rest)] in divisions(words[:whole], phrases)
            assert found[len(found) - len(rest) :] == rest
