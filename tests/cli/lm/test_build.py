from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from speechlstm.corpora.manifest import Utterance, write_manifest
from speechlstm.lm.ngram.model import NGramModel
from speechlstm.text.alphabet import ENGLISH

DATA = Path(__file__).parent.parent.parent / "lm" / "data"

Run = Callable[..., Result]
Build = Callable[..., NGramModel]


def test_builds_a_packed_model_and_says_so(lm: Run) -> None:
    result = lm("build", DATA / "tiny.txt.xz", "-o", "tiny.lm", "--prune", "0 1 2")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith("tiny.lm: 207 1-grams, 1187 2-grams, 2074 3-grams; 0.0")
    assert result.stderr.count("\n") == 1
    model = NGramModel.open(Path("tiny.lm"))
    assert (model.order, model.num_words, model.alphabet_sha256) == (3, 207, None)


def test_a_text_may_come_from_standard_input(lm: Run, built: Build) -> None:
    built()
    given = lm("build", "-", "-o", "piped.lm", stdin=Path("text.txt").read_text(encoding="utf-8"))
    assert given.exit_code == 0, given.stderr
    assert Path("piped.lm").read_bytes() == Path("text.lm").read_bytes()
    nothing = lm("build", "-", "-o", "x.lm", stdin="")
    assert (nothing.exit_code, nothing.stderr) == (1, "Error: -: has no sentence\n")


def test_a_language_model_is_no_text(lm: Run) -> None:
    assert lm("build", "text.txt", "-o", "text.arpa").exit_code == 0
    result = lm("build", "text.arpa", "-o", "x.lm")
    assert (result.exit_code, result.stderr) == (
        1,
        "Error: text.arpa: is a language model, not a text: see speechlstm lm convert\n",
    )


def test_of_a_manifest_the_texts_are_taken(lm: Run, built: Build) -> None:
    built()
    texts = Path("text.txt").read_text(encoding="utf-8").splitlines()
    utterances = [Utterance(f"u{i}", f"{i}.wav", 1.0, text) for i, text in enumerate(texts)]
    write_manifest(Path("mine.jsonl"), [*utterances, Utterance("none", "none.wav", 1.0)])
    result = lm("build", "mine.jsonl", "-o", "mine.lm")
    assert result.exit_code == 0, result.stderr
    assert Path("mine.lm").read_bytes() == Path("text.lm").read_bytes()
    write_manifest(Path("silent.jsonl"), [Utterance("none", "none.wav", 1.0)])
    result = lm("build", "silent.jsonl", "-o", "silent.lm")
    assert (result.exit_code, result.stderr) == (
        1,
        "Error: silent.jsonl: no utterance has a text\n",
    )


def test_a_text_that_tells_no_discounts_is_warned_of(lm: Run) -> None:
    result = lm("build", "text.txt", "text.txt", "-o", "text.lm", "--order", "2")
    warnings = [line for line in result.stderr.splitlines() if line.startswith("Warning: ")]
    assert warnings == [
        "Warning: 2-grams: too few, or with too regular counts, to estimate discounts; "
        "used 0.5, 1, 1.5"
    ]
    assert NGramModel.open(Path("text.lm")).order == 2


def test_an_order_beyond_the_longest_sentence(lm: Run) -> None:
    Path("one.txt").write_text("hello\n")
    assert lm("build", "one.txt", "-o", "one.lm", "--order", "6", "--quantize").exit_code == 0
    result = lm("convert", "one.lm", "-o", "one.arpa")
    assert "1 3-grams, 0 4-grams, 0 5-grams, 0 6-grams" in result.stderr
    packed, arpa = (lm("perplexity", path, "one.txt").stdout for path in ("one.lm", "one.arpa"))
    assert packed == arpa


def test_vocabulary_by_number_or_file(lm: Run, built: Build) -> None:
    assert built("--vocabulary", "2").words == ["<unk>", "</s>", "<s>", "one", "two"]
    Path("words.txt").write_text("Four\nFive\n")
    assert built("--vocabulary", "words.txt").words == ["<unk>", "</s>", "<s>", "five", "four"]
    result = lm("build", "text.txt", "-o", "x.lm", "--vocabulary", "none.txt")
    assert (result.exit_code, Path("x.lm").exists()) == (1, False)
    assert result.stderr == "Error: none.txt: cannot be read: No such file or directory\n"
    assert (
        "no word of the text is left"
        in lm("build", "text.txt", "-o", "x.lm", "--vocabulary", "0").stderr
    )


def test_a_bundle_lends_its_alphabet(built: Build, levels_bundle: Path) -> None:
    assert "naïve" in built().words
    model = built("--bundle", levels_bundle)
    assert model.alphabet_sha256 == ENGLISH.sha256
    assert "naïve" not in model.words


def test_sentences_of_a_manifest_are_left_out(lm: Run, built: Build) -> None:
    said = [Utterance("a", "a.wav", 1.0, "TWO THREE"), Utterance("b", "b.wav", 1.0, None)]
    write_manifest(Path("valid.jsonl"), said)
    result = lm("build", "text.txt", "-o", "text.lm", "--exclude", "valid.jsonl")
    assert "Warning: left out 1 sentence that valid.jsonl has, too; the first is 'two three'" in (
        result.stderr
    )
    without = NGramModel.open(Path("text.lm")).sentence_log_prob(["two", "three"])[0]
    assert without < built().sentence_log_prob(["two", "three"])[0]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--prune", "none"], "--prune: must be whole numbers"),
        (["--prune", "1"], "--prune: must be 0 for unigrams"),
        (["--prune", "0 -1"], "none less than the one before; is 0 -1"),
        (["--order", "7"], "1<=x<=6"),
        (["-o", "x.arpa", "--quantize"], "x.arpa: an ARPA file cannot hold an alphabet"),
    ],
)
def test_wrong_usage(lm: Run, arguments: list[str], reason: str) -> None:
    result = lm("build", "text.txt", "-o", "x.lm", *arguments)
    assert result.exit_code == 2
    assert reason in result.stderr
