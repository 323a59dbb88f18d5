import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speechlstm.audio import Audio
from speechlstm.explain import explain

FOLDER = Path(__file__).parent.parent.parent / "scripts" / "benchmarks"


@pytest.fixture
def lesson(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.syspath_prepend(FOLDER)  # it imports memory_task
    return runpy.run_path(str(FOLDER / "lesson.py"))


@pytest.mark.slow
def test_the_gates_that_are_drawn(lesson: dict[str, Any], tmp_path: Path) -> None:
    explanation = explain(Audio.load("data/samples/date.wav"), fast=True)
    found = lesson["gates"](explanation, tmp_path / "gates.png")
    assert (tmp_path / "gates.png").read_bytes().startswith(b"\x89PNG")
    forget = explanation.layers[0][0].gates["forget"][:, found["units"]]
    expected = 0.03 * np.log(0.5) / np.log(forget).mean(axis=0)
    np.testing.assert_allclose(found["half_lives"], expected, rtol=1e-3)
    assert found["half_lives"] == sorted(found["half_lives"])
    assert len(found["quantiles_by_direction"]) == 8


@pytest.mark.slow
def test_few_updates_with_dropout(lesson: dict[str, Any]) -> None:
    found = lesson["dropout"](2)
    assert found.keys() == {"0.0", "0.1", "0.25", "0.5"}
    assert all(0 <= share <= 1 for row in found.values() for share in row.values())
