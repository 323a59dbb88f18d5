import json
import runpy
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

ROOT = Path(__file__).parent.parent.parent
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "benchmarks" / "memory_task.py"))


def test_only_the_first_step_has_the_cue() -> None:
    lags = np.array([3, 7, 1], np.int32)
    (sequences, lengths), symbols = SCRIPT["make_batch"](np.random.default_rng(1), lags)
    assert sequences.shape == (3, 8, 9)
    np.testing.assert_array_equal(lengths, [4, 8, 2])
    np.testing.assert_array_equal(sequences[..., 8], np.eye(8)[[0, 0, 0]])
    np.testing.assert_array_equal(sequences[..., :8].sum(axis=-1), 1)
    np.testing.assert_array_equal(sequences[:, 0].argmax(axis=-1), symbols)


@pytest.mark.slow
def test_networks_of_equal_size_learn_a_short_lag(tmp_path: Path) -> None:
    path = tmp_path / "figures" / "memory.png"
    options = ["-o", str(path), "--lag", "2", "--updates", "60"]
    result = CliRunner().invoke(SCRIPT["main"], options)
    assert result.exit_code == 0
    assert path.read_bytes().startswith(b"\x89PNG")
    rows = json.loads(path.with_suffix(".json").read_text())
    assert [row["cell"] for row in rows] == ["rnn", "gru", "lstm"]
    assert [line.split()[0] for line in result.stdout.splitlines()] == [
        "cell",
        "rnn",
        "gru",
        "lstm",
    ]
    sizes = [row["num_weights"] for row in rows]
    assert max(sizes) < 1.03 * min(sizes)
    assert all(row["accuracy"] == 1 and row["gradient"] > 0.1 for row in rows)
