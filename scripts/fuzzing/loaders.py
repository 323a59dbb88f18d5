"""What is fed to each loader: a seed makes an input, which is a file or a folder, and loads it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator

from fuzzing.models import damaged_model
from speechlstm.acoustic import LiteRTAcousticModel
from speechlstm.audio import Audio
from speechlstm.bundle import default_bundle, read_bundle
from speechlstm.config import FeatureConfig, NetworkConfig
from speechlstm.lm.lstm import LSTMLanguageModel
from speechlstm.text.alphabet import ENGLISH
from speechlstm.text.g2p import G2PModel
from speechlstm.tflite.metadata import read_metadata

_DESCRIPTION = {  # of the tests' models without one
    "format_version": 1,
    "writer": "fuzz",
    "features": FeatureConfig().to_dict(),
    "alphabet": {"symbols": ENGLISH.symbols, "separator": ENGLISH.separator, "blank": 0},
    "model": NetworkConfig(frame_stack=1).to_dict(),
    "training": {"recordings": ["a.wav", "b.wav"], "seconds": 12.5},
}
ASSETS = Path(__file__).parents[2] / "tests" / "assets"


@dataclass(frozen=True)
class Loader:
    """A loader and its inputs.

    Attributes:
        make: Writes an input into a new folder; returns the file or folder to load.
        load: Loads it, and uses it as far as it takes to read all of it.
    """

    make: Callable[[Generator, Path], Path]
    load: Callable[[Path], object]


@cache
def _model(name: str) -> tuple[bytes, dict[str, Any]]:
    """A model and its description, of the tests or of the package."""
    own = default_bundle() / f"{name}.tflite"
    path = own if own.exists() else ASSETS / f"{name}.tflite"
    content = path.read_bytes()
    try:
        return content[:-32], read_metadata(path)
    except Exception:  # noqa: BLE001 (two of the tests' models have none)
        return content, _DESCRIPTION


def _make_model(*names: str) -> Callable[[Generator, Path], Path]:
    def make(rng: Generator, folder: Path) -> Path:
        path = folder / f"{names[rng.integers(len(names))]}.tflite"
        path.write_bytes(damaged_model(rng, *_model(path.stem)))
        return path

    return make


def _load_acoustic(path: Path) -> None:
    model = LiteRTAcousticModel(read_bundle(path))
    for num_samples in (1600, 700):
        audio = Audio(np.linspace(-0.5, 0.5, num_samples, dtype=np.float32), model.sample_rate)
        model.log_probs(audio)


def _load_language_model(path: Path) -> None:
    model = LSTMLanguageModel(path)
    model.sentence_log_probs([["a", "cat"], ["the", "hat", "zebra"]])


LOADERS = {
    "acoustic.tflite": Loader(_make_model("levels", "recurrent"), _load_acoustic),
    "lm.tflite": Loader(_make_model("language_model"), _load_language_model),
    "g2p.tflite": Loader(
        _make_model("pronouncer"), lambda path: G2PModel(path).pronounce("fuzzing")
    ),
}
