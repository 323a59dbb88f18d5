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
