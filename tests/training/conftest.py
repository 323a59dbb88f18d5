from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from speechlstm.manifest import Utterance, write_manifest

SAMPLE_RATE = 16000
_PITCHES = {"a": 400, "b": 800, "c": 1600}


def _say(text: str) -> NDArray[np.float32]:
    seconds = np.arange(SAMPLE_RATE // 20) / SAMPLE_RATE
    tones = [0.3 * np.sin(2 * np.pi * _PITCHES.get(c, 0) * seconds) for c in text]
    samples = np.concatenate([*tones, np.zeros(SAMPLE_RATE // 20)])
    noise = np.random.default_rng(len(text)).normal(size=len(samples))
    return (samples + 0.003 * noise).astype(np.float32)


@pytest.fixture(scope="session")
def tones() -> Callable[[str], NDArray[np.float32]]:
    """Says a text at 16 kHz: 50 ms for each character, a, b and c tones, the rest silence."""
    return _say


@pytest.fixture(scope="session")
def write_tones() -> Callable[[Path, Sequence[str]], Path]:
    """Writes a manifest of texts said in tones, its recordings beside it."""

    def write(path: Path, texts: Sequence[str]) -> Path:
        utterances = []
        for index, text in enumerate(texts):
            name, samples = f"{path.stem}{index}", _say(text)
            soundfile.write(path.parent / f"{name}.wav", samples, SAMPLE_RATE)
            utterances.append(Utterance(name, f"{name}.wav", len(samples) / SAMPLE_RATE, text))
        write_manifest(path, utterances)
        return path

    return write
