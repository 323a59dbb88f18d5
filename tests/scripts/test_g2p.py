import runpy
from pathlib import Path

import pytest
from click.testing import CliRunner

from speechlstm.evaluation.metrics import ErrorCounts
from speechlstm.text.lexicon import Lexicon

ROOT = Path(__file__).parent.parent.parent
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "benchmarks" / "g2p.py"))


def test_no_word_is_learnt_and_held_out() -> None:
    spelled = ["a.", "caf\u00e9", *("ab" * n for n in range(1, 41))]
    dictionary = Lexicon(dict.fromkeys(spelled, (("AA", "B"),)))
    known, held_out = SCRIPT["split"](dictionary, 0.1, 1)
    assert len(held_out.entries) == 4
    assert sorted([*known.entries, *held_out.entries]) == sorted(spelled[2:])
    assert SCRIPT["split"](dictionary, 0.1, 1)[1].entries == held_out.entries
    assert SCRIPT["split"](dictionary, 0.1, 2)[1].entries != held_out.entries


def test_the_nearest_pronunciation_counts() -> None:
    listed = (("R", "EH", "D"), ("R", "IY", "D"))
    assert SCRIPT["phone_errors"](listed, ("R", "IY", "D")) == ErrorCounts(hits=3)
    assert SCRIPT["phone_errors"](listed, ("R", "IY")) == ErrorCounts(hits=2, deletions=1)


@pytest.mark.slow
def test_prints_rates(tmp_path: Path) -> None:
    path = tmp_path / "toy.dict"
    path.write_text("".join(f"{'ab' * n} {'AA B ' * n}\n" for n in range(1, 21)))
    result = CliRunner().invoke(SCRIPT["main"], [str(path), "--held-out", "0.2", "--epochs", "1"])
    assert result.exit_code == 0, result.output
    trained, phones, words = result.stdout.splitlines()
    assert trained.startswith("16 training words, ")
    assert trained.endswith(" s; 4 held out")
    assert phones.startswith("phone error rate  ")
    assert words.startswith("word error rate   ")
