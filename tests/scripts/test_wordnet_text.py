import runpy
from pathlib import Path

import pytest
from click.testing import CliRunner

ROOT = Path(__file__).parent.parent.parent
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "recipes" / "wordnet_text.py"))

NOUNS = """\
  1 A line of the licence, which starts with spaces | and is no meaning
00000001 15 n 02 Rivertown 0 river_town 0 001 @ 00000009 n 0000 | a town (founded 1234) on a river \
(e.g. an old one); now a city; "they met in Rivertown"; "it burnt in 1345, they say"
00000002 05 n 02 Felis_fictus 0 plush_cat 0 000 | a cat's likeness
00000003 20 n 01 Herba 0 000 | herbs
00000004 14 n 0b a 0 b 0 c 0 d 0 e 0 f 0 g 0 h 0 i 0 j 0 k 0 000 | letters
"""
ADJECTIVES = """\
00000005 00 s 02 asleep(p) 0 galore(ip) 0 001 & 00000009 a 0000 | at rest
"""


@pytest.fixture
def wordnet(tmp_path: Path) -> Path:
    for part, content in (("noun", NOUNS), ("verb", ""), ("adj", ADJECTIVES), ("adv", "")):
        (tmp_path / f"data.{part}").write_text(content)
    return tmp_path


def test_definitions_with_their_words_and_examples(wordnet: Path) -> None:
    output = wordnet / "wordnet.txt"
    result = CliRunner().invoke(SCRIPT["main"], [str(wordnet), "-o", str(output)])
    assert result.exit_code == 0, result.output
    assert output.read_text().splitlines() == [
        "rivertown river town a town on a river an old one now a city",
        "they met in rivertown",
        "it burnt in",
        "they say",
        "plush cat a cat's likeness",
        "a b c d e f g h i j k letters",
        "asleep galore at rest",
    ]


def test_a_folder_of_something_else_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    output = tmp_path / "wordnet.txt"
    result = CliRunner().invoke(SCRIPT["main"], [str(tmp_path), "-o", str(output)])
    assert isinstance(result.exception, SystemExit)
    assert "data.noun: No such file" in str(result.exception)
    assert not output.exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", ": the data files have no definition"),
        (b"something else | x", "data.noun: not a data file of WordNet"),
        (b"\xff\xfe", "data.noun: not a data file of WordNet: 'utf-8'"),
    ],
)
def test_files_of_something_else_are_refused(wordnet: Path, content: bytes, reason: str) -> None:
    for part in ("noun", "verb", "adj", "adv"):
        (wordnet / f"data.{part}").write_bytes(content)
    output = wordnet / "wordnet.txt"
    result = CliRunner().invoke(SCRIPT["main"], [str(wordnet), "-o", str(output)])
    assert isinstance(result.exception, SystemExit)
    assert reason in str(result.exception)
    assert not output.exists()
