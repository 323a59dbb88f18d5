"""The whole line as a user walks it: recordings in, a trained and exported model, words out."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from speechlstm.corpora.manifest import Utterance, write_manifest

pytestmark = pytest.mark.slow

SAMPLES = Path(__file__).parents[2] / "data" / "samples"
NAMES = ("answers", "commands", "digits", "spelling")
# No augmentation and no dropout: these very recordings are to be learnt by heart.
SETTINGS = """
[model]
num_layers = 1
num_units = 96
dropout = 0.0
[training]
num_epochs = 5
batch_seconds = 15
learning_rate = 0.01
warmup_steps = 10
weight_decay = 0.0
[augmentation]
speeds = [1.0]
time_masks = 0
frequency_masks = 0
"""


def speechlstm(*arguments: Path | str) -> str:
    """What a command prints, having ended well."""
    command = [sys.executable, "-m", "speechlstm", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def write_copies(folder: Path, repeats: int) -> Path:
    """A manifest of copies of the recordings, each many times in it."""
    folder.mkdir()
    utterances = []
    for name in NAMES:
        shutil.copy(SAMPLES / f"{name}.wav", folder)
        seconds, text = soundfile.info(folder / f"{name}.wav").duration, read_text(name)
        utterances += [
            Utterance(f"{name}-{k}", f"{name}.wav", seconds, text) for k in range(repeats)
        ]
    write_manifest(folder / "manifest.jsonl", utterances)
    return folder / "manifest.jsonl"


def read_text(name: str) -> str:
    return (SAMPLES / f"{name}.txt").read_text().strip()


def test_four_utterances_are_learnt_by_heart(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(SETTINGS)
    train, valid = write_copies(tmp_path / "train", 40), write_copies(tmp_path / "valid", 1)
    run, bundle = tmp_path / "run", tmp_path / "bundle"
    assert speechlstm(
        "train", "--train", train, "--valid", valid, "-o", run,
        "--config", tmp_path / "settings.toml",
    ) == f"{run}\n"  # fmt: skip
    losses = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert min(line["valid_wer"] for line in losses) == 0
    table = speechlstm("export", run, "-o", bundle, "--quantize", "int8")
    assert "4 utterances" in table
    recordings = [SAMPLES / f"{name}.wav" for name in NAMES]
    printed = speechlstm("transcribe", *recordings, "--model", bundle)
    expected = [f"{path}\t{read_text(name)}" for path, name in zip(recordings, NAMES, strict=True)]
    assert printed.splitlines() == expected
