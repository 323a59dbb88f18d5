from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from speechlstm.corpora.manifest import Utterance, write_manifest


@pytest.fixture(scope="session")
def write_sweeps() -> Callable[..., Path]:
    """Writes a manifest of tones that rise (label up) or fall (down) at 16 kHz, in turn."""

    def write(path: Path, count: int, **fields: Any) -> Path:
        generator = np.random.default_rng(count)
        utterances = []
        for index in range(count):
            label = ("up", "down")[index % 2]
            time = np.arange(round(16000 * generator.uniform(0.3, 0.5))) / 16000
            slope = generator.uniform(2500, 3500) * (1 if label == "up" else -1)
            start = 500 if label == "up" else 2000
            samples = 0.3 * np.sin(2 * np.pi * (start + slope / 2 * time) * time)
            samples += 0.01 * generator.normal(size=len(time))
            name = f"{path.stem}{index}"
            soundfile.write(path.parent / f"{name}.wav", samples, 16000)
            utterances.append(
                Utterance(name, f"{name}.wav", len(time) / 16000, **{"label": label, **fields})
            )
        write_manifest(path, utterances)
        return path

    return write
