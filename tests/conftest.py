import gc
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from numpy.typing import NDArray

from speechlstm.bundle import AcousticSpec, write_bundle
from speechlstm.config import FeatureConfig, NetworkConfig
from speechlstm.lm.ngram.arpa import read_arpa
from speechlstm.lm.ngram.packed import write_packed
from speechlstm.lm.ngram.trie import build_trie
from speechlstm.text.alphabet import ENGLISH

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # errors only; set before TensorFlow is loaded
os.environ.setdefault("MPLBACKEND", "agg")  # plots go to files

# The same examples in every run: what fails in CI fails everywhere. `pytest
# --hypothesis-profile=random` tries others, and more of them, where a test sets no number itself.
# Limits of time fail wherever the machine is busy with something else.
patient = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("speechlstm", max_examples=50, derandomize=True, **patient)
hypothesis.settings.register_profile("random", max_examples=1000, **patient)
hypothesis.settings.load_profile("speechlstm")


def pytest_configure(config: pytest.Config) -> None:
    """Let each of several test processes use one core: their threads would only wait."""
    if getattr(config.option, "numprocesses", None):  # of pytest-xdist, before it starts them
        for library in ("TF_NUM_INTRAOP", "TF_NUM_INTEROP", "OMP_NUM", "OPENBLAS_NUM"):
            os.environ.setdefault(f"{library}_THREADS", "1")


def pytest_collection() -> None:
    """Look for no garbage among modules and tests: they stay, and are a million objects."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Look for garbage among what the tests make only."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of real speech that some tests read; they are skipped where there is none."""
    folder = os.environ.get("SPEECHLSTM_CORPORA")
    if not folder:
        pytest.skip("SPEECHLSTM_CORPORA is not set")
    return Path(folder)


@pytest.fixture(scope="session")
def levels_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle whose model hears amplitudes at 16 kHz as letters; see assets/README.md."""
    path = tmp_path_factory.mktemp("levels") / "bundle"
    tflite = (Path(__file__).parent / "assets" / "levels.tflite").read_bytes()
    spec = AcousticSpec(FeatureConfig(normalize="none"), ENGLISH, NetworkConfig(frame_stack=1))
    write_bundle(path, tflite, spec)
    return path


@pytest.fixture(scope="session")
def tiny_lm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A packed n-gram model of the alphabet of that bundle, and tiny.arpa beside it."""
    path = tmp_path_factory.mktemp("lm") / "tiny.lm"
    arpa = path.with_suffix(".arpa")
    shutil.copy(Path(__file__).parent / "assets" / "tiny.arpa", arpa)
    write_packed(path, build_trie(read_arpa(arpa)), ENGLISH.sha256)
    return path


@pytest.fixture(scope="session")
def spoken() -> Callable[[str], NDArray[np.float32]]:
    """Says a text to that model: for each character 10 ms of silence, 30 ms of its amplitude.

    A hiss that is low and high in turn is in it, without which no recogniser takes it
    for a voice; over a frame of the model its mean is 0.
    """

    def say(text: str) -> NDArray[np.float32]:
        levels = [
            np.array([0, 1, 1, 1]) * label / ENGLISH.num_labels for label in ENGLISH.encode(text)
        ]
        frames = np.concatenate([*levels, [0]])[:, np.newaxis]
        generator = np.random.default_rng(1)
        hiss = generator.normal(size=(len(frames), 160))
        is_low = np.arange(len(frames)) // 6 % 2 == 0  # for 60 ms, then high for as long
        hiss[is_low] = hiss[is_low].cumsum(axis=1).cumsum(axis=1)
        hiss[~is_low] = np.diff(hiss[~is_low], n=2, axis=1, prepend=np.zeros((sum(~is_low), 2)))
        hiss -= hiss.mean(axis=1, keepdims=True)
        hiss *= 0.08 / hiss.std(axis=1, keepdims=True)
        return (frames + hiss).ravel().clip(-1, 1).astype(np.float32)

    return say


@pytest.fixture
def run_measured() -> Callable[..., tuple[str, int]]:
    """Runs Python code with arguments: what it prints, and its peak resident memory in bytes.

    A process of its own lies between: what a child is said to have used is at least what its
    parent had, and the tests' process is large.
    """
    measure = (
        "import resource, subprocess, sys\n"
        "subprocess.run([sys.executable, '-c', *sys.argv[1:]], check=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )

    def run(code: str, *arguments: str) -> tuple[str, int]:
        command = [sys.executable, "-c", measure, code, *arguments]
        *printed, peak = subprocess.check_output(command, text=True).splitlines()
        return "\n".join(printed), int(peak) * (1 if sys.platform == "darwin" else 1024)

    return run
