"""Which options of `speechlstm train` exclude each other, or need another."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click

from speechlstm.cli.verbs import refuse_if
from speechlstm.config import MAX_WEIGHT
from speechlstm.storage import address_of

_WEIGHTED = re.compile(r"(.+):([-+]?(?:\d+(?:\.\d*)?(?:e[-+]?\d+)?|nan|inf))", re.DOTALL | re.I)


# Options that --resume allows, or that have rules of their own.
_NOT_OF_NEW_RUNS = {
    "run_path", "resume", "num_epochs", "cache_path", "num_devices", "coordinator", "num_processes",
    "process_id", "task", "prepare", "from_scratch", "only_plan", "hourly_cost",
}  # fmt: skip


def check_usage(params: Mapping[str, Any]) -> None:
    """Refuse options that exclude each other, or need another.

    Args:
        params: The parameters of the command, by name.
    """
    given = SimpleNamespace(**params)
    classifies, is_together = given.task == "classify", given.num_processes > 1
    new = {key for key, value in params.items() if value not in (None, ())} - _NOT_OF_NEW_RUNS
    new_or_resumed = "makes a new run, --resume continues one: use only one"
    of_recognizers = "is for recognisers, not for --task classify"
    refuse_if(
        (given.run_path is None and not given.only_plan, "-o is missing: the folder of the run"),
        (
            given.resume and (new or classifies),
            "--resume takes manifests and settings from the run: only --epochs may be changed",
        ),
        (given.resume and given.prepare, f"--prepare {new_or_resumed}"),
        (given.resume and given.from_scratch, f"--from-scratch {new_or_resumed}"),
        (
            not given.resume and not (given.train_paths and given.valid_paths),
            "a new run needs --train and --valid; --resume continues a run",
        ),
        (
            given.only_plan and (given.resume or given.prepare or given.num_devices > 1),
            "--plan is for a new run on one device: without other such options",
        ),
        (given.hourly_cost and not given.only_plan, "--hourly-cost needs --plan"),
        (classifies and given.lexicon, f"--lexicon {of_recognizers}"),
        (classifies and given.only_plan, f"--plan {of_recognizers}"),
        (given.label and not classifies, "--label needs --task classify"),
        (
            given.process_id >= given.num_processes,
            f"--process-id must be below --num-processes, {given.num_processes}, is "
            f"{given.process_id}",
        ),
        (
            is_together and not (given.resume and given.coordinator),
            "--num-processes needs --resume and --coordinator: create the run with --prepare, then "
            "start each process with them",
        ),
        (
            given.frozen_layers and not given.init_from,
            "--freeze needs a model to start from: --init-from",
        ),
        (
            given.from_scratch and given.init_from,
            "--from-scratch and --init-from exclude each other: use only one",
        ),
    )


def weighted(values: tuple[Path, ...]) -> tuple[tuple[Path, ...], tuple[float, ...] | None]:
    """The manifests and their weights, if there is one, from MANIFEST:WEIGHT."""
    found = [_WEIGHTED.fullmatch(f"{value}") for value in values]
    pairs = [
        (Path(match[1]), float(match[2]))
        if match and not (value.exists() or _ends_in_port(value))
        else (value, 1.0)
        for value, match in zip(values, found, strict=True)
    ]
    weights = tuple(weight for _, weight in pairs)
    for value, weight in zip(values, weights, strict=True):
        if not 0 < weight <= MAX_WEIGHT:
            raise click.BadParameter(
                f"{value}: the weight must be above 0, and {MAX_WEIGHT} at most",
                param_hint="--train",
            )
    return tuple(path for path, _ in pairs), weights if any(w != 1 for w in weights) else None


def _ends_in_port(path: Path) -> bool:
    """Whether a path is the address of a server, and its last number that of the port."""
    scheme, _, place = (address_of(path) or "").partition("://")
    return scheme.startswith("http") and "/" not in place and place.count(":") == 1
