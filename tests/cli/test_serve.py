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


def test_an_empty_variable_does_not_matter_beside_a_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = []
    monkeypatch.setattr(
        "speechlstm.server.run.run_server", lambda settings, *_: tokens.append(settings.token)
    )
    (tmp_path / "token").write_text("abc")
    for options in (["--token", "abc"], ["--token-file", str(tmp_path / "token")]):
        result = CliRunner().invoke(main, ["serve", *options], env={"SPEECHLSTM_TOKEN": ""})
        assert (result.exit_code, result.stderr) == (0, "")
    assert tokens == ["abc", "abc"]
