"""A killed run that is resumed ends as the uninterrupted one: every byte of its weights."""

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.slow

SETTINGS = """
[model]
num_layers = 1
num_units = 24
[training]
num_epochs = 3
batch_seconds = 8
precision = "float16"  # the loss' scale is one more thing to keep
"""
TIMES = {"seconds", "valid_seconds", "speed", "stall"}  # of an epoch: what no two runs share

# The command line in a process that kills itself in its Nth write, after the data and before the
# new file takes the old one's place, or between that and the end of the write.
KILLED_WHILE_WRITING = """
import os, sys
from speechlstm.cli import main

left, fsync = int(sys.argv.pop(1)), os.fsync

def killing_fsync(descriptor):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), 9)
    fsync(descriptor)

os.fsync = killing_fsync
main()
"""

# The command line in a process that kills itself in the Nth call of a function.
KILLED_IN = """
import os, sys
from importlib import import_module
from speechlstm.cli import main

where, left = sys.argv.pop(1).split("*")
module, *names, name = where.split(".")
owner = import_module("speechlstm.training." + module.replace("/", "."))
for outer in names:
    owner = getattr(owner, outer)
function, left = getattr(owner, name), int(left)

def killing(*arguments):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), 9)
    return function(*arguments)

setattr(owner, name, killing)
main()
"""
BATCH = "acoustic/trainer.Trainer._train_batch"
PREDICTION = "engine/network.Network.predict_on_batch"  # in validation

# The command line where no file may grow beyond N bytes, as if the disk were full.
FULL_DISK = """
import resource, sys
from speechlstm.cli import main

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)
main()
"""


@pytest.fixture(scope="module")
def corpus(
    tmp_path_factory: pytest.TempPathFactory, write_tones: Callable[[Path, Sequence[str]], Path]
) -> Path:
    """A folder with 48 utterances to learn from, 12 to measure on, and settings."""
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "settings.toml").write_text(SETTINGS)
    generator = random.Random(1)  # 0.2 to 3 s: no batch has the shape of another
    texts = ["".join(generator.choices("abc ", k=generator.randint(4, 60))) for _ in range(60)]
    write_tones(folder / "train.jsonl", texts[:48])
    write_tones(folder / "valid.jsonl", texts[48:])
    return folder


@pytest.fixture(scope="module")
def uninterrupted(corpus: Path) -> Path:
    run = corpus / "uninterrupted"
    assert train(*new_run(corpus, run)) == (0, "")
    return run


def new_run(corpus: Path, run: Path) -> list[str]:
    manifests = [f"--train={corpus / 'train.jsonl'}", f"--valid={corpus / 'valid.jsonl'}"]
    return [*manifests, f"--config={corpus / 'settings.toml'}", f"--output={run}"]


def train(*arguments: str, code: str = "", number: int | str = 0) -> tuple[int, str]:
    """Exit code and error of `speechlstm train`, perhaps in a process of one of the kinds above."""
    program = ["-c", code, str(number)] if code else ["-m", "speechlstm"]
    command = [sys.executable, *program, "train", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stderr.partition("Error: ")[2]


def kill_after_a_checkpoint(arguments: list[str], run: Path, seconds: float) -> None:
    """Train; kill the process some time after it has written a checkpoint."""
    command = [sys.executable, "-m", "speechlstm", "train", *arguments]
    before = checkpoint_time(run)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while checkpoint_time(run) == before:
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(seconds)
        process.kill()
    assert process.returncode == -9


def checkpoint_time(run: Path) -> int:
    path = run / "checkpoint.npz"
    return path.stat().st_mtime_ns if path.exists() else 0


def trained(run: Path) -> Iterator[tuple[str, Any]]:
    """All that training ends with, arrays as bytes, without how long it took."""
    for name in ("checkpoint", "best"):
        with np.load(run / f"{name}.npz") as arrays:
            yield from ((f"{name}/{k}", v.tobytes()) for k, v in arrays.items() if k != "state")
    for line in (run / "metrics.jsonl").read_text().splitlines():
        metrics = json.loads(line)
        yield from ((key, value) for key, value in metrics.items() if key not in TIMES)


def test_killed_at_random_moments(corpus: Path, uninterrupted: Path) -> None:
    run, moments = corpus / "killed", random.Random(1)
    arguments = [*new_run(corpus, run), "--checkpoint-minutes=0"]
    for _ in range(3):
        kill_after_a_checkpoint(arguments, run, moments.uniform(0, 0.3))
        arguments = ["--resume", f"--output={run}"]
    ends = []
    while 0 not in ends:
        ends.append(train(*arguments, code=KILLED_WHILE_WRITING, number=moments.randint(3, 40))[0])
    assert ends == [*[-9] * (len(ends) - 1), 0]
    assert len(ends) > 1
    assert list(run.glob(".*")) == []
    assert list(trained(run)) == list(trained(uninterrupted))


def test_killed_in_the_first_batch_in_the_middle_in_validation_and_in_the_write(
    corpus: Path, uninterrupted: Path
) -> None:
    run = corpus / "places"
    arguments = [*new_run(corpus, run), "--checkpoint-minutes=0"]
    for code, number, done in (
        (KILLED_IN, f"{BATCH}*1", None),
        (KILLED_IN, f"{BATCH}*3", (0, 2)),  # from the start again
        (KILLED_IN, f"{PREDICTION}*2", (0, len_of_epoch(uninterrupted))),
        (KILLED_IN, f"{PREDICTION}*1", (0, len_of_epoch(uninterrupted))),
        (KILLED_IN, f"{BATCH}*4", (1, 3)),
        (KILLED_WHILE_WRITING, 1, (1, 3)),
    ):
        assert train(*arguments, code=code, number=number)[0] == -9
        assert progress(run) == done
        arguments = ["--resume", f"--output={run}"]
    assert train(*arguments) == (0, "")
    assert list(trained(run)) == list(trained(uninterrupted))


def progress(run: Path) -> tuple[int, int] | None:
    """Epochs that have ended, and batches of the next one; None: there is no checkpoint."""
    if not (run / "checkpoint.npz").exists():
        return None
    with np.load(run / "checkpoint.npz") as arrays:
        state = json.loads(str(arrays["state"]))
    return state["epoch"], state["step"]


def len_of_epoch(run: Path) -> int:
    """Batches of an epoch of a finished run, from its updates and those that were not finite."""
    with np.load(run / "checkpoint.npz") as arrays:
        updates = [int(a) for k, a in arrays.items() if k == "optimizer/0"]
    return updates[0] // 3


def test_a_full_disk_leaves_the_checkpoint_before(corpus: Path, uninterrupted: Path) -> None:
    run = corpus / "full"
    kill_after_a_checkpoint([*new_run(corpus, run), "--checkpoint-minutes=0"], run, 0.1)
    before = (run / "checkpoint.npz").read_bytes()
    resume = ["--resume", f"--output={run}"]
    code, error = train(*resume, code=FULL_DISK, number=len(before) // 2)
    assert (code, error) == (1, f"{run}/checkpoint.npz: File too large\n")
    assert (run / "checkpoint.npz").read_bytes() == before
    assert train(*resume) == (0, "")
    assert list(run.glob(".*")) == []
    assert list(trained(run)) == list(trained(uninterrupted))
