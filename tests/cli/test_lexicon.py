from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from speechlstm.cli import main
from speechlstm.corpora.manifest import Utterance, write_manifest
from speechlstm.text.lexicon import Lexicon

CMU = """a AH0
a(2) EY1
cat K AE1 T
dog D AO1 G
read R EH1 D
read(2) R IY1 D
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "cmudict.dict").write_text(CMU)
    (tmp_path / "text.txt").write_text("Read a dog's\ncat.\nA cat read.\n")
    return tmp_path


def lexicon(folder: Path, *arguments: str) -> Result:
    paths = [str(folder / name) if "." in name else name for name in arguments]
    options = ["-o", str(folder / "out.dict"), "--dictionary", str(folder / "cmudict.dict")]
    return CliRunner().invoke(main, ["lexicon", *paths, *options])


def test_copies_what_the_dictionary_has(folder: Path) -> None:
    result = lexicon(folder, "text.txt")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == (
        f"{folder / 'out.dict'}: 4 words, 0 of them pronounced by the network, 0 left out\n"
    )
    assert (folder / "out.dict").read_text() == (
        "a AH\na(2) EY\ncat K AE T\ndog's D AO G Z\nread R EH D\nread(2) R IY D\n"
    )


def test_words_come_from_texts_and_manifests_and_may_be_rare(folder: Path) -> None:
    utterances = [Utterance("1", "1.wav", 1.0, "A dog!"), Utterance("2", "2.wav", 1.0)]
    write_manifest(folder / "train.jsonl", utterances)
    assert lexicon(folder, "text.txt", "train.jsonl", "--min-count", "2").exit_code == 0
    assert list(Lexicon.read(folder / "out.dict").entries) == ["a", "cat", "read"]


def test_a_word_that_cannot_be_pronounced_is_named(folder: Path) -> None:
    (folder / "more.txt").write_text("caf\u00e9 cat 3")
    result = lexicon(folder, "more.txt")
    assert result.exit_code == 1
    accented, digit, summary = result.stderr.splitlines()
    assert accented.startswith("Error: 'caf\u00e9': not in the alphabet: '\u00e9' (U+00E9)")
    assert digit.startswith("Error: '3': not in the alphabet")
    assert summary.endswith(": 1 word, 0 of them pronounced by the network, 2 left out")
    assert list(Lexicon.read(folder / "out.dict").entries) == ["cat"]


def test_without_words_nothing_is_written(folder: Path) -> None:
    result = lexicon(folder, "text.txt", "--min-count", "9")
    assert result.exit_code == 1
    assert result.stderr == "Error: the texts have no word that can be pronounced\n"
    assert not (folder / "out.dict").exists()


@pytest.mark.parametrize("words", ["dog D AO1 G\n", CMU])
def test_a_dictionary_that_is_too_small_to_learn_from_is_refused(folder: Path, words: str) -> None:
    (folder / "cmudict.dict").write_text(words)
    (folder / "more.txt").write_text("a dog barks loudly in the long night")
    result = lexicon(folder, "more.txt", "--g2p", "net.tflite")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert "too few to train a network that pronounces" in result.stderr
    assert "'barks', 'loudly'" in result.stderr
    assert not (folder / "out.dict").exists()


@pytest.mark.slow
def test_a_pronouncer_learns_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speechlstm.cli.lexicon._LEAST_WORDS", 4)
    (folder / "more.txt").write_text("a reader's god")
    first = lexicon(folder, "more.txt", "--pronouncer", "net.tflite")
    assert first.exit_code == 0
    learning, summary = first.stderr.splitlines()
    assert learning == "training a G2P network on 4 words"
    assert summary.endswith(": 3 words, 2 of them pronounced by the network, 0 left out")
    written = (folder / "out.dict").read_bytes()
    assert [line.split()[0] for line in written.decode().splitlines()] == [
        *("a", "a(2)", "god", "reader's")
    ]
    again = lexicon(folder, "more.txt", "--pronouncer", "net.tflite")
    assert (again.exit_code, again.stderr) == (0, f"{summary}\n")
    assert (folder / "out.dict").read_bytes() == written
