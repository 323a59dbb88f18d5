"""`speechlstm manifest report`: which planted faults it finds, among real recordings.

    python scripts/benchmarks/data_report.py MANIFEST... -o FOLDER [--planted 10] [--json]

Utterances are drawn from the manifests, and faults are planted in copies of some of them, the same
number of each kind; FOLDER then holds the recordings, train.jsonl and valid.jsonl with all of them,
and report.html. The figures are the planted utterances that are found, and the others that are
reported of the same kind (which may have that fault). Exchanged texts are found if they are among
as many of the largest differences as were planted.
"""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import click
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from speechlstm import Recognizer
from speechlstm.audio import read_audio
from speechlstm.config import Settings
from speechlstm.corpora.manifest import Manifest, Utterance, recording_of, write_manifest
from speechlstm.corpora.survey import survey
from speechlstm.evaluation.data_page import data_page
from speechlstm.evaluation.data_report import DataReport, compare_with
from speechlstm.parallel import num_usable_cores
from speechlstm.storage import write_atomically
from speechlstm.text.alphabet import ENGLISH

SAMPLE_RATE = 16000
SEED = 1
NAMES = {
    "clipped": "clipped (over 0.1% of samples)",
    "telephone": "telephone band in a wideband file",
    "silent": "silent, but with a text",
    "pause": "silence of over 3 s",
    "copied": "same sound as another",
    "encoded": "same sound as another",
    "leaked": "sound in several lists",
}
Samples = NDArray[np.float32]


@click.command(help=__doc__)
@click.argument("manifests", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", metavar="FOLDER", type=click.Path(path_type=Path), required=True)
@click.option("--utterances", default=60, show_default=True, help="Of each manifest, unplanted.")
@click.option("--planted", default=10, show_default=True, help="Of each kind of fault.")
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object.")
def main(
    manifests: tuple[Path, ...], output: Path, utterances: int, planted: int, as_json: bool
) -> None:
    """Plant the faults, write the report and print the figures."""
    output.mkdir(parents=True, exist_ok=True)
    generator = random.Random(SEED)
    drawn: list[Utterance] = []
    for path in manifests:
        listed = Manifest(path)
        long = [listed.moved_to(output, u) for u in listed if u.text and u.duration > 1.5]
        drawn += generator.sample(long, min(utterances, len(long)))
    generator.shuffle(drawn)
    train, valid, exchanged = _plant(drawn, planted, output)
    lists = [output / "train.jsonl", output / "valid.jsonl"]
    for path, part in zip(lists, (train, valid), strict=True):
        write_manifest(path, part)
    found = survey([Manifest(path) for path in lists], ENGLISH, Settings(), num_usable_cores())
    scores = compare_with(partial(Recognizer.load, greedy=True), found, len(found.utterances))
    report = DataReport(("train.jsonl", "valid.jsonl"), found, None, scores)
    write_atomically(output / "report.html", data_page(report))
    figures = _figures(report, exchanged)
    for kind, (number, num_found, num_others) in figures.items():
        print(f"{kind:10} {num_found:3} of {number} found, {num_others} others")
    if as_json:
        print(json.dumps({"num_utterances": len(found.utterances)} | figures))


def _plant(
    drawn: list[Utterance], number: int, folder: Path
) -> tuple[list[Utterance], list[Utterance], set[str]]:
    """The two lists, and the ids whose texts are exchanged."""
    changes: dict[str, Callable[[Samples], Samples]] = {
        "clipped": _clipped,
        "telephone": _telephone,
        "silent": np.zeros_like,
        "pause": lambda samples: np.concatenate([np.zeros(4 * SAMPLE_RATE, np.float32), samples]),
        "copied": lambda samples: samples,
        "encoded": lambda samples: np.float32(0.5) * samples[SAMPLE_RATE // 7 :],
        "leaked": lambda samples: samples,
    }
    sources = iter(drawn)
    train, valid = list(drawn), list[Utterance]()
    for kind, change in changes.items():
        for index in range(number):
            source = next(sources)
            samples = change(read_audio(recording_of(source, folder), SAMPLE_RATE).samples)
            name = f"{kind}-{index}.{'mp3' if kind == 'encoded' else 'flac'}"
            soundfile.write(folder / name, samples, SAMPLE_RATE)
            seconds = len(samples) / SAMPLE_RATE
            copy = Utterance(f"{kind}-{index}", name, round(seconds, 3), source.text)
            (valid if kind == "leaked" else train).append(copy)
            if kind not in ("copied", "encoded", "leaked"):
                train.remove(source)  # so that only these kinds are copies
    pairs = [next(sources) for _ in range(number // 2 * 2)]
    for one, other in zip(pairs[::2], pairs[1::2], strict=True):
        train[train.index(one)] = replace(one, text=other.text)
        train[train.index(other)] = replace(other, text=one.text)
    return train, valid, {utterance.id for utterance in pairs}


def _clipped(samples: Samples) -> Samples:
    """So loud that 2 % of the samples are beyond full scale, and 3 dB quieter after that."""
    gain = 1 / max(np.quantile(np.abs(samples), 0.98), 1e-3)
    clipped: Samples = 0.7 * np.clip(gain * samples, -1, 1)
    return clipped.astype(np.float32)


def _telephone(samples: Samples) -> Samples:
    narrow = soxr.resample(samples, SAMPLE_RATE, 8000)
    return np.array(soxr.resample(narrow, 8000, SAMPLE_RATE), np.float32)


def _figures(report: DataReport, exchanged: set[str]) -> dict[str, tuple[int, int, int]]:
    """Of each kind: planted, found, others that are reported."""
    ids = [item.utterance.id for item in report.survey.utterances]
    faults = {fault.name: set(fault.utterances) for fault in report.faults}
    figures = {}
    for kind, name in NAMES.items():
        of_kind = {i for i in ids if i.startswith(f"{kind}-")}
        same = {k for k, other in NAMES.items() if other == name or k in ("leaked", "silent")}
        others = {i for i in faults[name] if i.partition("-")[0] not in {*same, kind}}
        figures[kind] = len(of_kind), len(of_kind & faults[name]), len(others)
    silent = {i for i in ids if i.startswith("silent-")}
    worst = [i.utterance.id for i, _ in report.disagreements if i.utterance.id not in silent]
    first = set(worst[: len(exchanged)])
    figures["exchanged"] = len(exchanged), len(first & exchanged), len(first - exchanged)
    return figures


if __name__ == "__main__":
    main()
