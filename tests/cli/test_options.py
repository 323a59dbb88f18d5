import json
from typing import Any

import click
import pytest
from click.testing import CliRunner

from speechlstm.cli.decoding import decoding_options


def parsed(*arguments: str) -> dict[str, Any]:
    """The keywords for `Recognizer.load` that options stand for."""

    @click.command()
    @decoding_options
    def command(decoding: dict[str, Any]) -> None:
        click.echo(json.dumps(decoding, default=str))

    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    decoding: dict[str, Any] = json.loads(result.stdout)
    return decoding


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], {}),
        (["--fast"], {"fast": True}),
        (["--neural-lm-mode", "rescore"], {"neural_lm_mode": "rescore"}),
        (
            ["--neural-lm-mode", "fuse", "--neural-lm-weight", "0.5"],
            {"neural_lm_mode": "fuse", "neural_lm_weight": 0.5},
        ),
        (["--shallow-fusion"], {"neural_lm_mode": "fuse"}),
        (
            ["--no-shallow-fusion", "--rescore-weight", "0.25"],
            {"neural_lm_mode": "rescore", "neural_lm_weight": 0.25},
        ),
    ],
)
def test_options_are_keywords_of_load_and_keep_their_older_names(
    arguments: list[str], expected: dict[str, Any]
) -> None:
    assert parsed(*arguments) == {"greedy": False} | expected


@pytest.mark.parametrize("name", ["--neural-lm", "--rescore"])
def test_the_file_of_the_lstm_has_two_names(name: str) -> None:
    assert parsed(name, "a.tflite")["neural_lm"] == "a.tflite"
    assert "neural_lm" not in parsed()


def test_language_models_are_the_bundles_another_or_none() -> None:
    assert "lm" not in parsed()
    assert parsed("--no-lm")["lm"] is None
    assert parsed("--lm", "books.lm")["lm"] == "books.lm"
