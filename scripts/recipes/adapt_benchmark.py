"""Benchmark of `speechlstm adapt`: errors by minutes of training speech, and the work it takes.

    python scripts/recipes/adapt_benchmark.py corpora -o runs/adapt --only german:51 --only an4:5
    python scripts/recipes/adapt_benchmark.py corpora -o runs/adapt --only an4:5 --from-scratch
    python scripts/recipes/adapt_benchmark.py corpora -o runs/adapt --only an4:40 --keep 0.3 \
        --remember corpora/librispeech/valid.jsonl --every 8

CORPORA holds a folder a corpus with train.jsonl and perhaps valid.jsonl. Each point is a row of
results.jsonl in the output folder, written when the point is done, with the minutes of processor
time and of wall clock that `speechlstm adapt` took; all rows are printed as a table at the end.
Points that are there are not measured again, and one that was interrupted goes on where it was.
What the base has heard before is said of each task: of AN4, speechocean762 and Speech Commands it
was trained on the very recordings that are learnt from here, so that these figures flatter it; of
the others it has met neither speaker nor language. The lists that are measured on are
TASK/test.jsonl in the output folder, for scripts/benchmarks/peers.py.
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
from speechlstm.text.normalize import normalize

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
        closed: Whether nothing but its texts is ever said: measured with `--phrases`.
    """

    corpus: str
    train: str = "train.jsonl"
    speaker: str | None = None
    test: str | None = None
    test_minutes: float = 0.0
    known: str = "nothing"
    closed: bool = False


TASKS = {
    "an4": Task("an4", known="the speakers learnt from"),
    "speechocean762": Task("speechocean762", known="all speakers"),
    "speech-commands": Task("speech-commands", known="the speakers learnt from", closed=True),
    "common-voice-speaker": Task("common-voice", "valid.jsonl", "bf35656a89be5e1c", None, 2.4),
    "librispeech-speaker": Task("librispeech", "valid.jsonl", "7367", None, 9.0),
    "fsdd-speaker": Task("fsdd", speaker="nicolas", test_minutes=1.2, closed=True),
    "german": Task("de-kerstin", test="valid.jsonl"),
}


class Point(click.ParamType[tuple[str, float]]):
    """A task and minutes of it: an4:5."""

    name = "TASK:MINUTES"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, float]:
        """The task and the minutes."""
        task, _, minutes = str(value).partition(":")
        try:
            amount = float(minutes)
        except ValueError:
            amount = 0.0
        if task not in TASKS or not amount > 0:
            self.fail(f"must be TASK:MINUTES, TASK one of {', '.join(TASKS)}", param, ctx)
        return task, amount


@dataclass(frozen=True)
class Options:
    """What holds for all points of a call.

    Attributes:
        corpora: The folder of the corpora.
        output: Where all is written.
        remember: A manifest of speech that the base knows, to measure what is forgotten.
        every: How much of it: each so manieth utterance.
        epochs: Passes over the speech, for both kinds of training; None: as they choose.
    """

    corpora: Path
    output: Path
    remember: Path | None
    every: int
    epochs: int | None


@click.command(help=__doc__)
@click.argument("corpora", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--only", type=Point(), multiple=True, help="This point; by default all.")
@click.option("--keep", type=float, default=0.0, show_default=True)
@click.option("--from-scratch", is_flag=True, help="Train without a base, for comparison.")
@click.option("--epochs", type=int, help="Passes over the speech.")
@click.option("--remember", type=click.Path(path_type=Path, exists=True), metavar="LIST",
              help="Measure on this list, too, before and after.")  # fmt: skip
@click.option("--every", default=1, show_default=True, help="Of that list, each so manieth.")
def main(
    corpora: Path,
    output: Path,
    only: tuple[tuple[str, float], ...],
    keep: float,
    from_scratch: bool,
    epochs: int | None,
    remember: Path | None,
    every: int,
) -> None:
    """Measure the points that are not there yet, then print all."""
    output.mkdir(parents=True, exist_ok=True)
    results = output / "results.jsonl"
    options = Options(corpora, output, remember, every, epochs)
    try:
        for task, amount in only or [(task, amount) for task in TASKS for amount in MINUTES]:
            point = {"task": task, "minutes": amount, "keep": keep, "scratch": from_scratch}
            if not any(point.items() <= row.items() for row in read_rows(results)):
                row = point | measure(options, TASKS[task], point)
                with results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
    except (SpeechLSTMError, OSError) as error:
        sys.exit(f"Error: {error}")
    except subprocess.CalledProcessError as error:  # it has said why
        sys.exit(error.returncode)
    click.echo(table(read_rows(results)))


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The points measured so far."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def measure(options: Options, task: Task, point: dict[str, Any]) -> dict[str, Any]:
    """Adapt to a part of a task, then evaluate."""
    lists = options.output / point["task"]
    train, test = make_lists(options.corpora, lists, task)
    folder = lists / f"{point['minutes']:g}"
    folder.mkdir(exist_ok=True)
    part = folder / "part.jsonl"
    chosen = first_minutes(list(Manifest(train)), point["minutes"])
    if not part.exists():  # a new one would be another adaptation
        write_manifest(part, (Manifest(train).moved_to(folder, u) for u in chosen))
    name = "scratch" if point["scratch"] else f"keep{point['keep']:g}"
    bundle = folder / name
    make = scratch if point["scratch"] else adapt
    costs = timed(folder / f"{name}.costs", lambda: make(part, bundle, point["keep"], options))
    phrases = write_phrases(lists, train) if task.closed else None
    report = evaluate(test, bundle, phrases)
    before = None if task.corpus == "de-kerstin" else measured_once(lists, test, phrases)
    return {
        "learnt": round(sum(u.duration for u in chosen) / 60, 1),
        "known": task.known,
        "wall_minutes": costs[0],
        "cpu_minutes": costs[1],
        "before": before and before["wer"],
        **{key: report[key] for key in ("wer", "wer_interval", "cer")},
        "utterances": len(report["utterances"]),
        **forgotten(options, bundle),
    }


def forgotten(options: Options, bundle: Path) -> dict[str, Any]:
    """WER of what the base knows, before and after."""
    if not options.remember:
        return {}
    part = options.output / "remember.jsonl"
    known = Manifest(options.remember)
    if not part.exists():
        chosen = list(known)[:: options.every]
        write_manifest(part, (known.moved_to(options.output, u) for u in chosen))
    before = measured_once(options.output, part, None)
    return {"remember": [before["wer"], evaluate(part, bundle, None)["wer"]]}


def measured_once(folder: Path, test: Path, phrases: Path | None) -> dict[str, Any]:
    """The report of the base, from a file if it has been measured."""
    path = folder / f"{test.stem}.base.json"
    if not path.exists():
        path.write_text(json.dumps(evaluate(test, "english", phrases)), encoding="utf-8")
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return report


def make_lists(corpora: Path, folder: Path, task: Task) -> tuple[Path, Path]:
    """Manifests to learn from and to test on, which share no recording."""
    folder.mkdir(parents=True, exist_ok=True)
    source = Manifest(corpora / task.corpus / task.train)
    train, test = folder / "train.jsonl", folder / "test.jsonl"
    if train.exists() and test.exists():
        return train, test
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


def write_phrases(folder: Path, train: Path) -> Path:
    """All texts of a closed list, one a line."""
    path = folder / "phrases.txt"
    texts = sorted({normalize(u.text) for u in Manifest(train) if u.text})
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path


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


def adapt(part: Path, bundle: Path, keep: float, options: Options) -> None:
    """As a user would."""
    epochs = ["--epochs", f"{options.epochs}"] if options.epochs else []
    work = bundle.with_name("adapt.work")  # of all shares that are kept: it is trained once
    speechlstm("adapt", part, "-o", bundle, "--keep", f"{keep}", "--work", work, *epochs)


def scratch(part: Path, bundle: Path, keep: float, options: Options) -> None:
    """A network of its own, with n-grams of the same texts."""
    folder = bundle.with_name("scratch.work")
    folder.mkdir(exist_ok=True)
    train, valid = folder / "train.jsonl", folder / "valid.jsonl"
    everyone = folder / "unnamed.jsonl"  # of one speaker, utterances are held out
    source = Manifest(part)
    moved = (source.moved_to(folder, u) for u in source)
    write_manifest(everyone, (replace(u, speaker=None) for u in moved))
    write_split(Manifest(everyone), SHARE, SEED, train, valid)
    settings, text = folder / "settings.toml", folder / "texts.txt"
    settings.write_text(SCRATCH, encoding="utf-8")
    text.write_text("".join(f"{u.text}\n" for u in Manifest(train)), encoding="utf-8")
    run, lm = folder / "run", folder / "texts.lm"
    epochs = ["--epochs", f"{options.epochs}"] if options.epochs else []
    if (run / "run.json").exists():
        speechlstm("train", "--resume", "-o", run)
    else:
        speechlstm("train", "--train", train, "--valid", valid, "--config", settings, "-o", run,
                   "--from-scratch", *epochs)  # fmt: skip
    speechlstm("export", run, "-o", bundle, "--quantize", "int8", "--target", "interpreter")
    speechlstm("lm", "build", text, "-o", lm, "--bundle", bundle)
    speechlstm("tune", bundle, valid, "--lm", lm)


def speechlstm(*arguments: str | Path) -> str:
    """Run a command; returns what it prints."""
    command = [sys.executable, "-m", "speechlstm", *map(str, arguments)]
    click.echo(" ".join(command[2:]), err=True)
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def evaluate(test: Path, bundle: str | Path, phrases: Path | None) -> dict[str, Any]:
    """The report of `speechlstm evaluate`."""
    only = ["--phrases", f"{phrases}"] if phrases else []
    printed = speechlstm("evaluate", test, "--bundle", bundle, "--json", *only)
    report: dict[str, Any] = json.loads(printed)
    return report


def timed(costs: Path, work: Callable[[], None]) -> tuple[float, float]:
    """Minutes of wall clock, and of processor time of the commands that are run.

    Args:
        costs: A file of both, to which those of a call that is interrupted are added.
        work: Runs the commands.
    """
    started, before = time.monotonic(), os.times()
    try:
        work()
    finally:
        after = os.times()
        spent = after.children_user + after.children_system
        spent -= before.children_user + before.children_system
        with costs.open("a", encoding="utf-8") as file:
            file.write(f"{time.monotonic() - started} {spent}\n")
    calls = [line.split() for line in costs.read_text(encoding="utf-8").splitlines()]
    wall, processor = (sum(map(float, column)) / 60 for column in zip(*calls, strict=True))
    return round(wall, 1), round(processor, 1)


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
        known = row["known"]
        if row["scratch"]:
            name, known, before = f"{name}, from scratch", "", ""
        if "remember" in row:
            old, new = row["remember"]
            name += f" (what it knew: WER {100 * old:.1f} to {100 * new:.1f} %)"
        lines.append(
            f"| {name} | {known} | "
            f"{row['learnt']} | {row['wall_minutes']} ({row['cpu_minutes']}) | {before} | "
            f"{100 * row['wer']:.1f} % | {100 * low:.1f} to {100 * high:.1f} | "
            f"{100 * row['cer']:.1f} % |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
