"""Damaged folders of training runs."""

import io
import json
import shutil
import tempfile
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
from numpy.random import Generator

from fuzzing.mutate import VALUES, changed_json, damaged
from speechlstm.config import FeatureConfig, NetworkConfig, Settings
from speechlstm.text.alphabet import Alphabet

_ALPHABET = Alphabet(("a", "b", " "))
_SETTINGS = Settings(
    features=FeatureConfig(num_mfcc=13), model=NetworkConfig(num_layers=1, num_units=4)
)


@cache
def _run() -> Path:
    """A run after one epoch, in a folder that is kept for the life of the process."""
    from speechlstm.training.acoustic.run import Run
    from speechlstm.training.engine.checkpoint import save_checkpoint

    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    run = Run(folder / "run", _SETTINGS, _ALPHABET, (folder / "a.jsonl",), (folder / "b.jsonl",))
    run.create(run.new_network())
    metrics = {"epoch": 1, "loss": 3.5, "valid_loss": 3.0, "valid_wer": 0.5, "valid_cer": 0.25}
    (run.path / "metrics.jsonl").write_text(f"{json.dumps(metrics)}\n")
    save_checkpoint(run.best, {"model": run.new_network().variables}, metrics)
    save_checkpoint(run.checkpoint, {}, {"epoch": 1, "history": [metrics]})
    return run.path


def make(rng: Generator, folder: Path) -> Path:
    """Write the folder of a run with one damaged file."""
    path = folder / "run"
    shutil.copytree(_run(), path)
    if rng.random() < 0.3:  # as version 0.1.0 left it: metrics are in their list only
        (path / "checkpoint.npz").unlink()
    kind = rng.integers(4)
    if kind == 0:
        values = changed_json(rng, json.loads((path / "run.json").read_text()))
        (path / "run.json").write_text(json.dumps(values))
    elif kind == 1:
        name = ("run.json", "metrics.jsonl")[rng.integers(2)]
        (path / name).write_bytes(damaged(rng, (path / name).read_bytes()))
    elif kind == 2:
        values = changed_json(rng, json.loads((path / "metrics.jsonl").read_text()))
        (path / "metrics.jsonl").write_text(json.dumps(values))
    else:
        checkpoints = sorted(path.glob("*.npz"))
        checkpoint = checkpoints[rng.integers(len(checkpoints))]
        checkpoint.write_bytes(_damaged_checkpoint(rng, checkpoint.read_bytes()))
    return path


def _damaged_checkpoint(rng: Generator, content: bytes) -> bytes:
    if rng.random() < 0.3:
        return damaged(rng, content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    name = list(files)[rng.integers(len(files))]
    kind = rng.integers(4)
    if kind == 0:
        files[name] = damaged(rng, files[name])
    elif kind == 1:
        files[name] = files[name].replace(b"(", b"(%d, " % (10 ** int(rng.integers(3, 15))), 1)
    elif kind == 2:
        state = io.BytesIO()
        np.save(state, np.array(json.dumps(VALUES[rng.integers(len(VALUES))])))
        files["state.npy"] = state.getvalue()
    else:
        del files[name]
    changed = io.BytesIO()
    packing = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)[rng.integers(2)]
    with zipfile.ZipFile(changed, "w", packing) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return changed.getvalue()


def load(path: Path) -> None:
    """Load a run, its metrics, the weights of the best epoch and those that it began with."""
    from speechlstm.training.acoustic.run import load_run
    from speechlstm.training.engine.checkpoint import load_checkpoint

    run = load_run(path)
    run.read_metrics()
    run.summary()
    run.best_network()
    load_checkpoint(run.initial, {"model": run.new_network().variables})
