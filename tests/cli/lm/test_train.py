from collections.abc import Callable

import pytest
from click.testing import Result

Run = Callable[..., Result]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["train", "-o", "run"], "a new run needs TEXT and --valid"),
        (["train", "text.txt", "--resume", "-o", "run"], "--resume takes texts and settings"),
        (["train", "--resume", "-o", "run", "--units", "3"], "--resume takes texts and settings"),
        (
            ["train", "a", "--valid", "b", "-o", "run", "--lm", "c", "--vocabulary", "9"],
            "--vocabulary and --lm exclude each other",
        ),
        (
            ["train", "a", "--valid", "b", "-o", "run", "--init-from", "c", "--units", "9"],
            "--init-from takes network and vocabulary from RUN",
        ),
        (["train", "--resume", "-o", "run", "--init-from", "c"], "--resume takes texts and"),
    ],
)
def test_wrong_usage(lm: Run, arguments: list[str], reason: str) -> None:
    result = lm(*arguments)
    assert result.exit_code == 2
    assert reason in result.stderr
