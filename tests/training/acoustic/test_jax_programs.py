"""How many programs jax compiles in a run."""

import os
import random
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

SETTINGS = """
[model]
num_layers = 1
num_units = 8
[training]
num_epochs = 2
batch_seconds = 8
"""


@pytest.mark.slow
@pytest.mark.skipif(not find_spec("jax"), reason="jax is not installed")
def test_a_run_compiles_at_most_24(
    write_tones: Callable[[Path, Sequence[str]], Path], tmp_path: Path
) -> None:
    generator = random.Random(1)  # 0.2 to 3 s: no utterance has the length of another
    texts = ["".join(generator.choices("abc ", k=generator.randint(4, 60))) for _ in range(60)]
    train = write_tones(tmp_path / "train.jsonl", texts[:48])
    valid = write_tones(tmp_path / "valid.jsonl", texts[48:])
    (tmp_path / "settings.toml").write_text(SETTINGS)
    command = [sys.executable, "-m", "speechlstm", "train", "--train", train, "--valid", valid]
    command += ["--config", tmp_path / "settings.toml", "-o", tmp_path / "run", "--from-scratch"]
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_LOG_COMPILES": "1"}
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    compiled = re.findall(r"Compiling (?:jit\()?(\w+)\)? with", process.stderr)
    steps = [name for name in compiled if "train_step" in name or "predict_step" in name]
    assert 4 <= len(steps) <= 24, compiled
