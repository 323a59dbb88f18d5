"""The examples in docstrings of the training package: they run from the project's root."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import speechlstm.training

ROOT = Path(__file__).parents[2]
PACKAGE = Path(speechlstm.training.__file__).parent
SOURCES = [path for path in sorted(PACKAGE.rglob("*.py")) if ">>> " in path.read_text("utf-8")]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_examples_give_what_they_say(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    name = ".".join(("speechlstm.training", *path.relative_to(PACKAGE).with_suffix("").parts))
    results = doctest.testmod(import_module(name), optionflags=doctest.ELLIPSIS)
    assert results.attempted
    assert not results.failed
