from pathlib import Path

import pytest
from click.testing import CliRunner

from speechlstm.cli import main

pytest.importorskip("uvicorn")


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [(["--token", ""], {}), ([], {"SPEECHLSTM_TOKEN": ""}), (["--token="], {})],
)
def test_a_token_that_is_empty_is_no_token(
    arguments: list[str], environment: dict[str, str]
) -> None:
    result = CliRunner().invoke(main, ["serve", *arguments], env=environment)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Error: the token is empty, so that anyone could use the server" in result.stderr


def test_an_empty_variable_does_not_matter_beside_a_token(tmp_path: Path) -> None:
    empty = {"SPEECHLSTM_TOKEN": ""}
    missing = ["--bundle", str(tmp_path / "none")]
    result = CliRunner().invoke(main, ["serve", "--token", "abc", *missing], env=empty)
    assert "token" not in result.stderr
    (tmp_path / "token").write_text("abc")
    options = ["--token-file", str(tmp_path / "token"), *missing]
    result = CliRunner().invoke(main, ["serve", *options], env=empty)
    assert result.exit_code == 1
    assert "token is empty" not in result.stderr
