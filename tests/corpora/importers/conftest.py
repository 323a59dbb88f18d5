from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speechlstm.corpora.imported import import_corpus, kind_of
from speechlstm.corpora.utterance import Utterance
from speechlstm.errors import DataError

Record = Callable[..., float]
Import = Callable[..., list[Utterance | str]]


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """Writes a recording below tmp_path; returns its duration, as soundfile says."""

    def write(name: str, seconds: float = 1.0) -> float:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(1).uniform(-0.1, 0.1, int(seconds * 8000))
        kind = {".sph": "NIST"}.get(path.suffix)
        soundfile.write(path, noise, 8000, format=kind)
        return round(float(soundfile.info(path).duration), 3)

    return write


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """Writes a file below tmp_path."""

    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def imported(tmp_path: Path) -> Import:
    """Imports a source below tmp_path, whose kind must be found out; errors become strings."""

    def read(source: str, kind: str, *parts: str) -> list[Utterance | str]:
        path = tmp_path / source
        assert kind_of(path).name == kind
        entries = import_corpus(kind_of(path, kind), path, tmp_path, parts)
        return [str(e) if isinstance(e, DataError) else e for e in entries]

    return read
