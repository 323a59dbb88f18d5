"""The examples in docstrings of what recognition needs: they run from the project's root."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import speechlstm

ROOT = Path(__file__).parent.parent
PACKAGE = Path(speechlstm.__file__).parent
# Their examples load the model of the package, some several times.
SLOW = {
    "__init__.py",
    "evaluation/evaluate.py",
    "explain/explain.py",
    "pronunciation/scorer.py",
    "recognizer/recognizer.py",
    "streaming/__init__.py",
}
SOURCES = [
    pytest.param(path, id=name, marks=[pytest.mark.slow] if name in SLOW else [])
    for path in sorted(PACKAGE.rglob("*.py"))
    if not (name := path.relative_to(PACKAGE).as_posix()).startswith("training/")
    and ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("path", SOURCES)
def test_examples_give_what_they_say(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    module = import_module(name.removesuffix(".__init__"))
    results = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert results.attempted
    assert not results.failed


def test_public_names_are_listed_and_there() -> None:
    assert set(speechlstm.__all__) <= set(dir(speechlstm))
    assert all(getattr(speechlstm, name) for name in speechlstm.__all__)
    assert speechlstm.Recognizer.load.__doc__
