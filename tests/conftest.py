import os
from pathlib import Path

import pytest

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # errors only; set before TensorFlow is loaded
os.environ.setdefault("MPLBACKEND", "agg")  # plots go to files


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of real speech that some tests read; they are skipped where there is none."""
    folder = os.environ.get("SPEECHLSTM_CORPORA")
    if not folder:
        pytest.skip("SPEECHLSTM_CORPORA is not set")
    return Path(folder)
