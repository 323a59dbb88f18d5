from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile


@pytest.fixture
def write_sound(tmp_path: Path) -> Callable[..., Path]:
    """Writes a recording of a square wave, whose absolute value is the level, at 16 kHz."""

    def write(name: str, level: float, seconds: float = 0.5, rate: int = 16000) -> Path:
        sign = np.where(np.arange(round(seconds * rate)) // 20 % 2, -1, 1)
        path = tmp_path / name
        soundfile.write(path, level * sign, rate, subtype="FLOAT")
        return path

    return write
