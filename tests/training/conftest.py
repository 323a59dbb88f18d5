import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from speechlstm.corpora.manifest import Utterance, write_manifest

SAMPLE_RATE = 16000
_PITCHES = {"a": 400, "b": 800, "c": 1600}


@pytest.fixture(autouse=True)
def _empty_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies of recordings are kept, however full the disk of the tests is."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=10**12, free=10**12))


@pytest.fixture(scope="session")
def write_tones() -> Callable[[Path, Sequence[str]], Path]:
    """Writes a manifest of texts said in tones at 16 kHz, its recordings beside it.

    Each character lasts 50 ms: a, b and c are tones, the rest silence.
    """

    def write(path: Path, texts: Sequence[str]) -> Path:
        utterances = []
        for index, text in enumerate(texts):
            name, samples = f"{path.stem}{index}", _say(text)
            soundfile.write(path.parent / f"{name}.wav", samples, SAMPLE_RATE)
            utterances.append(Utterance(name, f"{name}.wav", len(samples) / SAMPLE_RATE, text))
        write_manifest(path, utterances)
        return path

    return write


def _say(text: str) -> NDArray[np.float64]:
    seconds = np.arange(SAMPLE_RATE // 20) / SAMPLE_RATE
    letters = [0.3 * np.sin(2 * np.pi * _PITCHES.get(c, 0) * seconds) for c in text]
    samples = np.concatenate([*letters, np.zeros(SAMPLE_RATE // 20)])
    return samples + 0.003 * np.random.default_rng(len(text)).normal(size=len(samples))
