import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Run = Callable[..., Result]


def test_the_likeliest_words_of_several_models(lm: Run, tiny_lm: Path) -> None:
    result = lm("next", tiny_lm, "lm.tflite", "A", "-n", "3")
    assert result.exit_code == 0, result.stderr
    head, *rows = result.stdout.splitlines()
    assert head.split() == ["word", "tiny.lm", "lm.tflite"]
    assert len(rows) == 3
    assert any(row.split()[:2] == ["hat", "63.10%"] for row in rows)
    found = json.loads(lm("next", "a", "--lm", tiny_lm, "--json").stdout)  # as before 0.3
    assert found["words"] == ["a"]
    assert found["next"][0]["word"] == "hat"


@pytest.mark.slow
def test_the_models_of_the_package_are_the_default(lm: Run) -> None:
    result = lm("next", "it was a", "-n", "5")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines()[0].split() == ["word", "lm.ngram", "rescorer.tflite"]
    assert len(result.stdout.splitlines()) == 6


def test_what_is_not_known_is_said(lm: Run, tiny_lm: Path, levels_bundle: Path) -> None:
    result = lm("next", tiny_lm, "zebra")
    assert result.exit_code == 0
    assert result.stderr == "tiny.lm: does not know zebra; it counts as an unknown word\n"
    result = lm("next", "a", "--bundle", levels_bundle)
    assert result.exit_code == 1
    assert "has no language model; name the file of one" in result.stderr
    result = lm("next", tiny_lm, "a", "--bundle", levels_bundle)
    assert result.exit_code == 2
    assert lm("next", "a", "--lm", "none.lm").exit_code == 1
    result = lm("next", "it", "was", "a")
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (
        2,
        "Error: it: no such LM; if it belongs to TEXT, put that in quotes",
    )


def test_a_run_in_place_of_a_model_is_to_be_exported(lm: Run) -> None:
    Path("run").mkdir()
    Path("run/run.json").touch()
    result = lm("sample", "run")
    assert result.exit_code == 1
    assert "run: is a run; export it: speechlstm lm export run -o LM.tflite" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("sample", "english"),
        ("perplexity", "english", "cat.txt"),
        ("compare", "english", "tiny.lm", "cat.txt"),
        ("convert", "english", "-o", "new.lm"),
        ("next", "english", "a"),
    ],
)
def test_a_bundle_in_place_of_a_model_names_its_models(
    lm: Run, tiny_lm: Path, arguments: tuple[str, ...]
) -> None:
    result = lm(*arguments)
    assert result.exit_code == 1
    assert "english: is a bundle; give one of its language models: /" in result.stderr
    assert result.stderr.endswith("rescorer.tflite\n")


def test_compare(lm: Run, tiny_lm: Path) -> None:
    result = lm("compare", tiny_lm, "lm.tflite", "cat.txt")
    assert result.exit_code == 0, result.stderr
    rows = result.stdout.splitlines()
    assert rows[1] == "B: lm.tflite"
    assert rows[2].startswith("words by frequency")
    assert any(row.startswith("unknown to a model") for row in rows)  # the, cat, on, mat
    found = json.loads(lm("compare", tiny_lm, "lm.tflite", "cat.txt", "--json").stdout)
    assert sum(group["num_words"] for group in found["classes"][:-2]) == 4  # a, hat, two ends
    result = lm("compare", tiny_lm, "lm.tflite", "none.txt")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
