"""Load damaged and hostile files with every loader, and check how they fail.

    python scripts/fuzz.py [--minutes 10] [--seed 1] [--loader NAME]... [--save FOLDER]
    python scripts/fuzz.py --loader NAME --replay FILE

Each loader runs in a process of its own, with limited memory and limited CPU time for each input.
An input must be accepted, or refused by an exception of speechlstm.errors with a one-line message.
Everything else is a failure: a foreign exception, a crash (the process ends) or a hang. Inputs that
cause a failure are saved with a description; FOLDER/NAME-SEED-N is input N of a seed. The exit code
is 1 if there is a failure.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from speechlstm.errors import SpeechLSTMError, printable

_MEMORY_BYTES = 6 << 30  # of address space: LiteRT reserves more than it uses
_WALL_SECONDS = 180.0  # for an input, since a process that waits uses no CPU time
_LONGEST_MESSAGE = 2000  # characters
_FIRST_CRASH = 256  # lowest exit code of a crash on Windows; on POSIX they are negative
_OUTCOMES = {"r": "refused in one line", "a": "accepted", "f": "foreign exceptions"}


@dataclass(frozen=True)
class _Job:
    """A loader to test.

    Attributes:
        name: Name of the loader.
        seed: Seed of its inputs.
        input_seconds: Largest CPU time for an input.
        save: Folder for inputs that cause a failure.
    """

    name: str
    seed: int
    input_seconds: float
    save: Path

    def saved(self, index: int) -> Path:
        """The folder for an input that causes a failure."""
        return self.save / f"{self.name.replace(' ', '_')}-{self.seed}-{index}"


@click.command(help=__doc__)
@click.option(
    "--minutes", default=10.0, show_default=True, help="Duration, for all loaders together."
)
@click.option("--seed", default=1, show_default=True)
@click.option("--loader", "names", multiple=True, help="Test only this loader; may be repeated.")
@click.option("--save", default=Path("fuzz"), type=click.Path(path_type=Path), show_default=True)
@click.option("--replay", type=click.Path(exists=True, path_type=Path), help="Load a saved input.")
@click.option("--input-seconds", default=20.0, show_default=True, help="CPU time for an input.")
@click.option("--child", hidden=True, type=(int, click.Path(path_type=Path), float))
def main(
    minutes: float,
    seed: int,
    names: tuple[str, ...],
    save: Path,
    replay: Path | None,
    input_seconds: float,
    child: tuple[int, Path, float] | None,
) -> None:
    """Test loaders, or replay a saved input."""
    from fuzzing.loaders import LOADERS

    if unknown := set(names) - set(LOADERS):
        raise click.UsageError(
            f"--loader: unknown loader {min(unknown)!r}; known are {', '.join(LOADERS)}"
        )
    if child:
        _feed(_Job(names[0], seed, input_seconds, save), *child)
    elif replay:
        for name in names:
            print(LOADERS[name].load(replay))
    else:
        chosen = names or tuple(LOADERS)
        total = sum(LOADERS[name].share for name in chosen)
        num_failures = sum(
            _run(_Job(name, seed, input_seconds, save), 60 * minutes * LOADERS[name].share / total)
            for name in chosen
        )
        sys.exit(1 if num_failures else 0)


def _run(job: _Job, seconds: float) -> int:
    """Test a loader for the given time, print a summary, and return the number of failures."""
    deadline, counts = time.monotonic() + seconds, Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "outcomes"
        log.touch()
        while time.monotonic() < deadline:
            ended = _run_child(job, log, deadline)
            if not ended:
                break
            counts[ended] += 1
            index = log.stat().st_size
            _save(Path(folder) / "input", job.saved(index), f"{ended}\n")
            with log.open("a") as file:
                file.write("x")
        outcomes = log.read_text()
    counts.update({what: outcomes.count(letter) for letter, what in _OUTCOMES.items()})
    num_failures = counts["foreign exceptions"] + counts["crashes"] + counts["hangs"]
    shown = ", ".join(
        f"{counts[what]} {what}" for what in (*_OUTCOMES.values(), "crashes", "hangs")
    )
    print(f"{job.name}: {len(outcomes)} inputs, {shown} (seed {job.seed})", flush=True)
    return num_failures


def _run_child(job: _Job, log: Path, deadline: float) -> str:
    """Run a process that tests the loader; returns "crashes", "hangs", or "" at the deadline."""
    start = log.stat().st_size
    command = [sys.executable, __file__, "--loader", job.name, "--seed", str(job.seed)]
    command += ["--input-seconds", str(job.input_seconds), "--save", str(job.save)]
    seconds_left = deadline - time.monotonic()
    command += ["--child", str(start), str(log.parent), str(time.time() + seconds_left)]
    errors = log.with_name("stderr")
    with errors.open("wb") as file:
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=file)
    size, changed = start, time.monotonic()
    while child.poll() is None:
        time.sleep(0.1)
        now = time.monotonic()
        if log.stat().st_size != size:
            size, changed = log.stat().st_size, now
        if now - changed > _WALL_SECONDS:
            child.kill()
            child.wait()
            return "hangs"
    if child.returncode == 0 and time.monotonic() > deadline:
        return ""
    if 0 < child.returncode < _FIRST_CRASH:
        raise click.ClickException(errors.read_text(errors="replace"))
    if sys.platform != "win32" and child.returncode == -signal.SIGPROF:
        return "hangs"
    return "crashes"


def _feed(job: _Job, index: int, folder: Path, end: float) -> None:
    """Generate and load inputs until `time.time()` reaches `end`.

    The last input is completed and counted, since a slow one may still cause a failure.
    """
    from fuzzing.loaders import LOADERS

    loader = LOADERS[job.name]
    _limit_memory()
    with (folder / "outcomes").open("a") as log:
        while time.time() < end:
            place = folder / "input"
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            rng = np.random.default_rng([job.seed, zlib.crc32(job.name.encode()), index])
            path = loader.make(rng, place)
            with _limited_time(job.input_seconds):
                outcome, why = _outcome(loader.load, path)
            if outcome == "f":
                _save(place, job.saved(index), why)
            log.write(outcome)
            log.flush()
            index += 1


def _outcome(load: Callable[[Path], object], path: Path) -> tuple[str, str]:
    try:
        load(path)
    except SpeechLSTMError as error:
        message = str(error)
        if message == printable(message) and len(message) <= _LONGEST_MESSAGE:
            return "r", message
        return "f", f"a message of {len(message)} characters: {json.dumps(message[:4000])}\n"
    except (Exception, SystemExit):  # noqa: BLE001 (every other exception is foreign)
        return "f", traceback.format_exc()
    return "a", ""


def _limit_memory() -> None:
    with contextlib.suppress(ImportError):  # Windows has no such limit
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@contextlib.contextmanager
def _limited_time(seconds: float) -> Iterator[None]:
    if sys.platform == "win32":
        yield
        return
    signal.setitimer(signal.ITIMER_PROF, seconds)  # its signal ends the process
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _save(source: Path, target: Path, why: str) -> None:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, symlinks=True)
    (target / "why.txt").write_text(why, encoding="utf-8", errors="backslashreplace")


if __name__ == "__main__":
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
