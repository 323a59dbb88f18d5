from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result

from speechlstm.cli import main


@pytest.fixture(scope="session")
def run() -> Callable[..., Result]:
    """Runs `speechlstm manifest`."""
    return lambda *arguments: CliRunner().invoke(main, ["manifest", *map(str, arguments)])


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """A folder with a second of each of three speakers, and what they say."""
    for speaker in ("anna", "ben", "carl"):
        folder = tmp_path / "recordings" / speaker
        folder.mkdir(parents=True)
        soundfile.write(folder / "1.wav", np.full(16000, 0.1), 16000)
        (folder / "1.txt").write_text("Yes.\n")
    return tmp_path / "recordings"
