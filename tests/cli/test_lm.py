import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from speechlstm.cli import main
from speechlstm.corpora.manifest import Utterance, write_manifest
from speechlstm.lm.ngram.model import NGramModel
from speechlstm.text.alphabet import ENGLISH

DATA = Path(__file__).parent.parent / "lm" / "data"


@pytest.fixture(autouse=True)
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.txt").write_text("One two three.\nTwo, three!\n\nFour two one; naïve.\n")


def lm(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["lm", *map(str, arguments)])


def built(*arguments: str | Path) -> NGramModel:
    result = lm("build", "text.txt", "-o", "text.lm", *arguments)
    assert result.exit_code == 0, result.stderr
    return NGramModel.open(Path("text.lm"))


def test_builds_a_packed_model_and_says_so() -> None:
    result = lm("build", DATA / "tiny.txt.xz", "-o", "tiny.lm", "--prune", "0 1 2")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith("tiny.lm: 207 1-grams, 1187 2-grams, 2074 3-grams; 0.0")
    assert result.stderr.count("\n") == 1
    model = NGramModel.open(Path("tiny.lm"))
    assert (model.order, model.num_words, model.alphabet_sha256) == (3, 207, None)


def test_a_text_that_tells_no_discounts_is_warned_of() -> None:
    result = lm("build", "text.txt", "text.txt", "-o", "text.lm", "--order", "2")
    warnings = [line for line in result.stderr.splitlines() if line.startswith("Warning: ")]
    assert warnings == [
        "Warning: 2-grams: too few, or too regular, for discounts of their own; took 0.5, 1, 1.5"
    ]
    assert NGramModel.open(Path("text.lm")).order == 2


def test_an_order_beyond_the_longest_sentence() -> None:
    Path("one.txt").write_text("hello\n")
    assert lm("build", "one.txt", "-o", "one.lm", "--order", "6", "--quantize").exit_code == 0
    result = lm("convert", "one.lm", "-o", "one.arpa")
    assert "1 3-grams, 0 4-grams, 0 5-grams, 0 6-grams" in result.stderr
    packed, arpa = (lm("perplexity", path, "one.txt").stdout for path in ("one.lm", "one.arpa"))
    assert packed == arpa


def test_vocabulary_by_number_or_file() -> None:
    assert built("--vocabulary", "2").words == ["<unk>", "</s>", "<s>", "one", "two"]
    Path("words.txt").write_text("Four\nFive\n")
    assert built("--vocabulary", "words.txt").words == ["<unk>", "</s>", "<s>", "five", "four"]
    result = lm("build", "text.txt", "-o", "x.lm", "--vocabulary", "none.txt")
    assert (result.exit_code, Path("x.lm").exists()) == (1, False)
    assert result.stderr == "Error: none.txt: cannot be read: No such file or directory\n"
    assert "leave no word" in lm("build", "text.txt", "-o", "x.lm", "--vocabulary", "0").stderr


def test_a_model_lends_its_alphabet(levels_bundle: Path) -> None:
    assert "naïve" in built().words
    model = built("--model", levels_bundle)
    assert model.alphabet_sha256 == ENGLISH.sha256
    assert "naïve" not in model.words


def test_sentences_of_a_manifest_are_left_out() -> None:
    said = [Utterance("a", "a.wav", 1.0, "TWO THREE"), Utterance("b", "b.wav", 1.0, None)]
    write_manifest(Path("valid.jsonl"), said)
    result = lm("build", "text.txt", "-o", "text.lm", "--exclude", "valid.jsonl")
    assert "Warning: left out 1 sentences that valid.jsonl holds too, first 'two three'" in (
        result.stderr
    )
    without = NGramModel.open(Path("text.lm")).sentence_log_prob(["two", "three"])[0]
    assert without < built().sentence_log_prob(["two", "three"])[0]


@pytest.mark.parametrize("suffix", [".arpa", ".arpa.gz", ".arpa.xz"])
def test_converts_to_arpa_and_back(suffix: str) -> None:
    words = ["two", "three", "unheard"]
    expected = built().sentence_log_prob(words)
    assert lm("convert", "text.lm", "-o", f"text{suffix}").exit_code == 0
    result = lm("convert", f"text{suffix}", "-o", "again.lm", "--quantize")
    assert result.stderr.startswith("again.lm: 8 1-grams")
    assert NGramModel.open(Path("again.lm")).sentence_log_prob(words) == pytest.approx(expected)
    assert lm("build", "text.txt", "-o", f"direct{suffix}").exit_code == 0
    assert NGramModel.load(Path(f"direct{suffix}")).sentence_log_prob(words) == pytest.approx(
        expected
    )


def test_perplexity_as_text_and_json() -> None:
    built()
    result = lm("perplexity", "text.lm", "text.txt")
    assert result.stdout.startswith("perplexity ")
    assert result.stdout.endswith("3 sentences, 9 words, 0 of them unknown (0.00%)\n")
    Path("said.txt").write_text("Two zebras\n")
    report = json.loads(lm("perplexity", "text.lm", "said.txt", "--json").stdout)
    (sentence,) = report["sentences"]
    assert (sentence["text"], sentence["num_oov"]) == ("two zebras", 1)
    assert report["perplexity"] == pytest.approx(10 ** (-sentence["log10_prob"] / 3))


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--prune", "none"], "--prune takes whole numbers"),
        (["--order", "7"], "1<=x<=6"),
        (["-o", "x.arpa", "--quantize"], "an ARPA file holds no alphabet and no quantised values"),
    ],
)
def test_wrong_usage(arguments: list[str], reason: str) -> None:
    result = lm("build", "text.txt", "-o", "x.lm", *arguments)
    assert result.exit_code == 2
    assert reason in result.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["build", "empty.txt", "-o", "x.lm"], "empty.txt: holds no sentence"),
        (["build", "text.txt", "-o", "x.lm", "--prune", "1"], "prune: must be 0 for unigrams"),
        (["perplexity", "text.txt", "text.txt"], "text.txt: is no packed language model"),
        (["perplexity", "cut.arpa", "text.txt"], "cut.arpa:3: the file ends here"),
        (["convert", "none.lm", "-o", "x.lm"], "none.lm: cannot be read"),
    ],
)
def test_failures_are_one_line(arguments: list[str], reason: str) -> None:
    Path("empty.txt").write_text("\n")
    Path("cut.arpa").write_text("\\data\\\nngram 1=5\n\\1-grams:\n")
    result = lm(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    last = result.stderr.splitlines()[-1]
    assert last.startswith("Error: ")
    assert reason in last


@pytest.mark.parametrize("verb", [[], ["build"], ["convert"], ["perplexity"]])
def test_help_ends_with_an_example_first(verb: list[str]) -> None:
    text = lm(*verb, "--help").stdout
    assert "Example:\n    speechlstm lm" in text or "Example:\n  speechlstm lm" in text
