import random
import runpy
from pathlib import Path

import pytest
from click.testing import CliRunner

from speechlstm.text.alphabet import ENGLISH

ROOT = Path(__file__).parent.parent.parent
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "recipes" / "synthesize.py"))


def test_sentences_are_drawn_by_the_seed_and_fit_the_alphabet() -> None:
    planned = list(SCRIPT["plan"](300, random.Random(1)))
    assert planned == list(SCRIPT["plan"](300, random.Random(1)))
    assert planned != list(SCRIPT["plan"](300, random.Random(2)))
    for text, _, words_a_minute in planned:
        assert ENGLISH.decode(ENGLISH.encode(text)) == text
        assert 120 <= words_a_minute <= 200


def test_the_sentences_of_the_samples_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["go left stop", "yes", "w o r d s", "no"])
    monkeypatch.setitem(SCRIPT["plan"].__globals__, "sentence", lambda rng: next(drawn))
    assert [text for text, *_ in SCRIPT["plan"](2, random.Random(1))] == ["yes", "no"]


def test_a_missing_program_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = CliRunner().invoke(SCRIPT["main"], [str(tmp_path / "out")])
    assert result.exit_code == 1
    assert "flite is not installed; run: apt install flite" in result.stderr
