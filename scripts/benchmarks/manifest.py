"""Manifests of a million lines: processor time and memory until training has its first batch.

    python scripts/benchmarks/manifest.py FOLDER [--lines 1000000] [--json]

FOLDER gets a synthetic corpus, unless it is there: manifests for training and of 1,000 lines for
validation, and the decoded recordings, as an earlier run would have left them. The recordings, each
of 4 s, are hard links of a few files, so that the disk need not hold 1,000 hours of noise. Memory
is what the process has at its peak beyond its imports.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click
import numpy as np
import soundfile

import speechlstm.training  # noqa: F401 - Keras, whose import is not measured
from speechlstm.config import Settings
from speechlstm.corpora.manifest import Utterance, write_manifest
from speechlstm.training.acoustic.dataset import SpeechDataset
from speechlstm.training.acoustic.manifests import RunManifests, load_data
from speechlstm.training.acoustic.recipe import prepare_run
from speechlstm.training.acoustic.start import better_start
from speechlstm.training.data.pcm_cache import file_name, open_cache

RATE, SECONDS = 16000, 4
VALID_LINES = 1000
LINKS = 50_000  # names of a file; file systems allow some 65,000
MAX_WORDS = 16
WORDS = "the of and to in a is that for it as was with be by on not he his but at".split()  # noqa: SIM905


@click.command(help=__doc__)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--lines", default=1_000_000, show_default=True, help="Of the training manifest.")
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object.")
def main(folder: Path, lines: int, as_json: bool) -> None:
    """Make the corpus, start a training on it, and print the figures."""
    lists = folder / "train.jsonl", folder / "valid.jsonl"
    if not lists[0].exists():  # in another process, whose memory does not count
        with get_context("spawn").Pool(1) as pool:
            for path, number in zip(lists, (lines, VALID_LINES), strict=True):
                pool.apply(_make, (path, number, folder / "cache"))
    clock, settings = Clock(), Settings()
    clock.measure("whether to start from english", lambda: better_start([lists[0]]))
    (folder / "run" / "run.json").unlink(missing_ok=True)
    read = clock.measure("reading, overlap", lambda: RunManifests.read(lists[:1], lists[1:]))
    run = clock.measure("alphabet", lambda: prepare_run(folder / "run", read, settings))
    train, _ = clock.measure(
        "labels, cache", lambda: load_data(run, print, folder / "cache", manifests=read)
    )
    batches = clock.measure("buckets", lambda: SpeechDataset(train, settings, augment=True))
    clock.measure("first batch", lambda: batches[0])
    figures = clock.seconds | {
        "seconds in all": sum(clock.seconds.values()),
        "MB of memory": (peak_bytes() - clock.peak_before) / 1e6,
    }
    for name, value in figures.items():
        print(f"{name:30} {value:8.1f}")
    if as_json:
        print(json.dumps(figures))


class Clock:
    """Processor time by step, in seconds."""

    def __init__(self) -> None:
        self.peak_before = peak_bytes()
        self.seconds: dict[str, float] = {}

    def measure(self, name: str, step: Callable[[], Any]) -> Any:
        """Do a step and return its result."""
        started = time.process_time()
        result = step()
        self.seconds[name] = time.process_time() - started
        return result


def peak_bytes() -> int:
    """The most memory that this process has had so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _make(path: Path, lines: int, cache: Path) -> None:
    """Write a manifest, its recordings and their decoded samples."""
    for first in range(0, lines, LINKS):
        folder = path.parent / path.stem / f"{first // LINKS:02}"
        folder.mkdir(parents=True)
        names = [folder / f"{number:07}.wav" for number in range(first, min(first + LINKS, lines))]
        noise = np.random.default_rng(first).uniform(-0.1, 0.1, SECONDS * RATE)
        soundfile.write(names[0], noise, RATE)
        for name in names[1:]:
            os.link(names[0], name)
        open_cache(names[:1], RATE, cache)
        decoded = [cache / file_name(f"{name}", RATE) for name in names]
        for name in decoded[1:]:
            os.link(decoded[0], name)
    write_manifest(path, _utterances(path.stem, lines))


def _utterances(part: str, lines: int) -> Iterator[Utterance]:
    generator = np.random.default_rng(1)
    for number in range(lines):
        words = generator.choice(WORDS, generator.integers(1, MAX_WORDS))
        audio = f"{part}/{number // LINKS:02}/{number:07}.wav"
        yield Utterance(
            f"{part}-{number:07}", audio, float(SECONDS), " ".join(words), f"{part}{number // 100}"
        )


if __name__ == "__main__":
    main()
