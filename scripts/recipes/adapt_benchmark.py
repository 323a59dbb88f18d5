"""Benchmark of `speechlstm adapt`: errors by minutes of training speech, and the work it takes.

    python scripts/recipes/adapt_benchmark.py corpora -o runs/adapt --task german --minutes 51
    python scripts/recipes/adapt_benchmark.py corpora -o runs/adapt --from-scratch --task german

CORPORA holds a folder a corpus with train.jsonl and perhaps valid.jsonl. Each point is a row of
results.jsonl in the output folder, with the minutes of processor time and of wall clock that
`speechlstm adapt` took; all rows are printed as a table at the end. Points that are there are not
measured again. What the base has heard before is said of each task: of AN4, speechocean762 and
Speech Commands it was trained on the very recordings that are learnt from here, so that these
figures flatter it; of the others it has met neither speaker nor language.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from speechlstm.corpora.manifest import Manifest, Utterance, write_manifest
from speechlstm.corpora.split import write_split
from speechlstm.errors import SpeechLSTMError

MINUTES = (1.0, 5.0, 15.0, 60.0)
SEED = 1
SHARE = 0.1  # of the speakers, to test on: as scripts/recipes/english.py holds them out
# Without a base there is nothing to keep, and more to learn.
SCRATCH = "[model]\nnum_layers = 3\nnum_units = 256\n[training]\nbatch_seconds = 60\n"


@dataclass(frozen=True)
class Task:
    """What is adapted to.

    Attributes:
        corpus: Its folder.
        train: Its manifest to learn from.
        speaker: The only speaker to take; None: all.
        test: Its manifest to measure on; None: a part of the other is held out.
        test_minutes: Of one speaker, how much is held out.
        known: What the base has heard of it.
    """

    corpus: str
    train: str = "train.jsonl"
    speaker: str | None = None
    test: str | None = None
    test_minutes: float = 0.0
    known: str = "nothing"


TASKS = {
    "an4": Task("an4", known="the speakers learnt from"),
    "speechocean762": Task("speechocean762", known="all speakers"),
    "speech-commands": Task("speech-commands", known="the speakers learnt from"),
    "common-voice-speaker": Task("common-voice", "valid.jsonl", "bf35656a89be5e1c", None, 2.4),
    "librispeech-speaker": Task("librispeech", "valid.jsonl", "7367", None, 9.0),
    "german": Task("de-kerstin", test="valid.jsonl"),
}


@click.command(help=__doc__)
@click.argument("corpora", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--task", "tasks", type=click.Choice(list(TASKS)), multiple=True)
@click.option("--minutes", type=float, multiple=True, default=MINUTES, show_default=True)
@click.option("--keep", type=float, default=0.0, show_default=True)
@click.option("--from-scratch", is_flag=True, help="Train without a base, for comparison.")
def main(
    corpora: Path,
    output: Path,
    tasks: tuple[str, ...],
    minutes: tuple[float, ...],
    keep: float,
    from_scratch: bool,
) -> None:
    """Measure the points that are not there yet, then print all."""
    output.mkdir(parents=True, exist_ok=True)
    results = output / "results.jsonl"
    try:
        for task in tasks or TASKS:
            for amount in minutes:
                point = {"task": task, "minutes": amount, "keep": keep, "scratch": from_scratch}
                if not any(point.items() <= row.items() for row in read_rows(results)):
                    row = point | measure(corpora, output, TASKS[task], point)
                    with results.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(row) + "\n")
    except (SpeechLSTMError, OSError) as error:
        sys.exit(f"Error: {error}")
    click.echo(table(read_rows(results)))


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The points measured so far."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def measure(corpora: Path, output: Path, task: Task, point: dict[str, Any]) -> dict[str, Any]:
    """Adapt to a part of a task, then evaluate."""
    name = "-".join(f"{value}" for value in point.values())
    folder = output / name
    folder.mkdir(exist_ok=True)
    train, test = make_lists(corpora, folder, task)
    part = folder / "part.jsonl"
    chosen = first_minutes(list(Manifest(train)), point["minutes"])
    write_manifest(part, chosen)
    bundle = folder / "model"
    make: Callable[..., None] = scratch if point["scratch"] else adapt
    costs = timed(lambda: make(part, bundle, folder, point["keep"]))
    report = evaluate(test, bundle)
    base = evaluate(test, "english") if not point["scratch"] and task.corpus != "de-kerstin" else {}
    return {
        "learnt": round(sum(u.duration for u in chosen) / 60, 1),
        "known": task.known,
        "wall_minutes": costs[0],
        "cpu_minutes": costs[1],
        "before": base.get("wer"),
        **{key: report[key] for key in ("wer", "wer_interval", "cer")},
        "utterances": len(report["utterances"]),
    }


def make_lists(corpora: Path, folder: Path, task: Task) -> tuple[Path, Path]:
    """Manifests to learn from and to test on, which share no recording."""
    source = Manifest(corpora / task.corpus / task.train)
    train, test = folder / "train.jsonl", folder / "test.jsonl"
    if task.speaker:
        mine = [source.moved_to(folder, u) for u in source if u.speaker == task.speaker]
        held_out = first_minutes(mine, task.test_minutes)
        ids = {utterance.id for utterance in held_out}
        write_manifest(test, held_out)
        write_manifest(train, (u for u in mine if u.id not in ids))
    elif task.test:
        for path, name in ((train, task.train), (test, task.test)):
            manifest = Manifest(corpora / task.corpus / name)
            write_manifest(path, (manifest.moved_to(folder, u) for u in manifest))
    else:
        write_split(source, SHARE, SEED, train, test)
    return train, test


def first_minutes(utterances: list[Utterance], minutes: float) -> list[Utterance]:
    """So many minutes of utterances, in an order that is always the same."""
    shuffled = random.Random(SEED).sample(utterances, len(utterances))
    chosen, seconds = [], 0.0
    for utterance in shuffled:
        if seconds >= 60 * minutes:
            break
        chosen.append(utterance)
        seconds += utterance.duration
    return chosen


def adapt(part: Path, bundle: Path, folder: Path, keep: float) -> None:
    """As a user would."""
    speechlstm("adapt", part, "-o", bundle, "--keep", f"{keep}")


def scratch(part: Path, bundle: Path, folder: Path, keep: float) -> None:
    """A network of its own, with n-grams of the same texts."""
    train, valid = folder / "scratch-train.jsonl", folder / "scratch-valid.jsonl"
    everyone = folder / "unnamed.jsonl"  # of one speaker, utterances are held out
    write_manifest(everyone, (replace(u, speaker=None) for u in Manifest(part)))
    write_split(Manifest(everyone), SHARE, SEED, train, valid)
    settings, text = folder / "scratch.toml", folder / "scratch.txt"
    settings.write_text(SCRATCH, encoding="utf-8")
    text.write_text("".join(f"{u.text}\n" for u in Manifest(train)), encoding="utf-8")
    run, lm = folder / "scratch", folder / "scratch.lm"
    speechlstm("train", "--train", train, "--valid", valid, "--config", settings, "-o", run,
               "--from-scratch")  # fmt: skip
    speechlstm("export", run, "-o", bundle, "--quantize", "int8")
    speechlstm("lm", "build", text, "-o", lm, "--bundle", bundle)
    speechlstm("tune", bundle, valid, "--lm", lm)


def speechlstm(*arguments: str | Path) -> str:
    """Run a command; returns what it prints."""
    command = [sys.executable, "-m", "speechlstm", *map(str, arguments)]
    click.echo(" ".join(command[2:]), err=True)
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def evaluate(test: Path, bundle: str | Path) -> dict[str, Any]:
    """The report of `speechlstm evaluate`."""
    report: dict[str, Any] = json.loads(speechlstm("evaluate", test, "--bundle", bundle, "--json"))
    return report


def timed(work: Callable[[], None]) -> tuple[float, float]:
    """Minutes of wall clock, and of processor time of the commands that are run."""
    started, before = time.monotonic(), os.times()
    work()
    after = os.times()
    spent = after.children_user + after.children_system
    spent -= before.children_user + before.children_system
    return round((time.monotonic() - started) / 60, 1), round(spent / 60, 1)


def table(rows: Iterable[dict[str, Any]]) -> str:
    """The points, as Markdown."""
    lines = [
        "| task | the base has heard | minutes learnt from | minutes of work (of processors) | "
        "WER before | WER | 95 % interval | CER |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        low, high = row["wer_interval"] or (0, 1)
        name = row["task"] + (f", keep {row['keep']:g}" if row["keep"] else "")
        before = f"{100 * row['before']:.1f} %" if row["before"] is not None else ""
        lines.append(
            f"| {name}{', from scratch' if row['scratch'] else ''} | {row['known']} | "
            f"{row['learnt']} | {row['wall_minutes']} ({row['cpu_minutes']}) | {before} | "
            f"{100 * row['wer']:.1f} % | {100 * low:.1f} to {100 * high:.1f} | "
            f"{100 * row['cer']:.1f} % |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
