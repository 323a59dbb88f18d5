import subprocess
import sys

import pytest

CODE = """
import sys
sys.path.insert(0, "scripts/benchmarks")
from training_steps import new_batch, project_step
print(float(project_step("float32")(new_batch(2, 1.0))))
"""


@pytest.mark.slow
def test_a_step_of_the_project_has_a_loss() -> None:
    """In a process of its own, since it replaces the MFCC layer."""
    printed = subprocess.run(
        [sys.executable, "-c", CODE], check=True, capture_output=True, text=True
    ).stdout
    assert 1 < float(printed) < 1000
