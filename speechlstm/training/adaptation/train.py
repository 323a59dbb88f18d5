"""The training step: a run, after cross-validation if there is little speech."""

import shutil
from functools import partial
from pathlib import Path
from typing import Any

from speechlstm.errors import counted
from speechlstm.training.acoustic import recipe
from speechlstm.training.acoustic.run import Run, load_run
from speechlstm.training.adaptation.adaptation import Adaptation, num_ended_epochs, seconds_of
from speechlstm.training.adaptation.folds import choose_epochs
from speechlstm.training.adaptation.time_left import FOLDS, TRAINING
from speechlstm.training.engine.run_folder import RunFolder

_RUN = "run: "  # begins the lines of the run, as "fold 1 of 3: " those of a fold


def train_adapted(adaptation: Adaptation) -> None:
    """Train the run, unless cross-validation finds no epoch with fewer errors than the base."""
    work, time_left, report = adaptation.work, adaptation.time_left, adaptation.report
    num_epochs = adaptation.chosen_epochs
    if num_epochs is None:
        num_epochs = _choose_epochs(adaptation)
        if not num_epochs:
            time_left.begin(TRAINING, amount=0)
        work.write("plan.json", {"num_epochs": num_epochs})
    shutil.rmtree(work / "folds", ignore_errors=True)  # hundreds of megabytes
    if not num_epochs:
        report(
            "no epoch had fewer errors than the base: its network stays as it is, only lexicon "
            "and language model become yours"
        )
        return
    first, last = adaptation.plan.frozen_layers + 1, adaptation.base.acoustic.network.num_layers
    report(f"training layers {first} to {last} for {counted(num_epochs, 'epoch')}")
    train, held_out = adaptation.train, adaptation.held_out
    if left := num_epochs - num_ended_epochs(work / "run"):
        report(time_left.begin(TRAINING, left, left * seconds_of(train)))
    _train(adaptation, num_epochs, train.path, held_out.path, work / "run", _RUN)


def _choose_epochs(adaptation: Adaptation) -> int:
    plan = adaptation.plan
    if not plan.num_folds:
        return plan.num_epochs
    adaptation.report(
        f"little speech: cross-validation finds the number of epochs, of {plan.num_epochs} at most"
    )
    if left := adaptation.fold_epochs_left:
        adaptation.report(adaptation.time_left.begin(FOLDS, left))
    train = partial(_train, adaptation, plan.num_epochs)
    return choose_epochs(adaptation.train.path, adaptation.work, plan.num_folds, train)


def _train(
    adaptation: Adaptation, num_epochs: int, train: Path, valid: Path, path: Path, name: str
) -> Run:
    """Train a run, or continue it; report the remaining time after each epoch."""
    num_ended, metrics = num_ended_epochs(path), RunFolder(path).metrics

    def report(line: str) -> None:
        nonlocal num_ended
        # An epoch is reported before its checkpoint is written, after which it counts as ended.
        if metrics.exists() and len(metrics.read_bytes().splitlines()) > num_ended:
            num_ended += 1
            adaptation.report(f"{name}{line}; {adaptation.time_left.advance()}")
        elif name == _RUN:
            adaptation.report(f"{name}{line}")

    options: dict[str, Any] = {
        "cache": adaptation.work / "cache", "report": report, "progress": adaptation.progress,
    }  # fmt: skip
    if not (path / "run.json").exists():
        settings = adaptation.plan.settings(adaptation.source.settings, num_epochs)
        return recipe.train(
            train, valid, path, settings, init_from=adaptation.source, lexicon=adaptation.lexicon,
            alphabet=adaptation.alphabet, **options,
        )  # fmt: skip
    run = load_run(path)
    if len(run.read_metrics()) >= run.settings.training.num_epochs:
        return run
    return recipe.resume(path, **options)
