"""Which options of `speechlstm train` exclude each other, or need another."""

import re
from pathlib import Path

import click

from speechlstm.config import MAX_WEIGHT
from speechlstm.storage import address_of

_WEIGHTED = re.compile(r"(.+):([-+]?(?:\d+(?:\.\d*)?(?:e[-+]?\d+)?|nan|inf))", re.DOTALL | re.I)


def check_resume(new: bool, prepare: bool, from_scratch: bool) -> None:
    """Refuse options of a new run together with --resume."""
    if new:
        raise click.UsageError(
            "--resume takes manifests and settings from the run: only --epochs may be changed"
        )
    if prepare or from_scratch:
        option = "--prepare" if prepare else "--from-scratch"
        raise click.UsageError(f"{option} makes a new run, --resume continues one: use only one")


def check_processes(num_processes: int, process_id: int, is_resumed_together: bool) -> None:
    """Refuse several processes for a new run, or without an address, and a wrong number of one."""
    if process_id >= num_processes:
        raise click.BadParameter(
            f"must be below --num-processes, {num_processes}, is {process_id}",
            param_hint="--process-id",
        )
    if num_processes > 1 and not is_resumed_together:
        raise click.UsageError(
            "--num-processes needs --resume and --coordinator: create the run with --prepare, then "
            "start each process with them"
        )


def check_task(task: str, label: str | None, lexicon: Path | None, only_plan: bool) -> None:
    """Refuse options of the other task."""
    if task == "classify" and (lexicon or only_plan):
        option = "--lexicon" if lexicon else "--plan"
        raise click.UsageError(f"{option} is for recognisers, not for --task classify")
    if label and task != "classify":
        raise click.UsageError("--label needs --task classify")


def check_start(freeze: bool, init_from: bool, from_scratch: bool) -> None:
    """Refuse options that contradict --init-from, or need it."""
    if freeze and not init_from:
        raise click.UsageError("--freeze needs a model to start from: --init-from")
    if from_scratch and init_from:
        raise click.UsageError("--from-scratch and --init-from exclude each other: use only one")


def check_plan(only_plan: bool, hourly_cost: float | None, other: bool) -> None:
    """Refuse --plan for anything but a new run, and its option without it."""
    if only_plan and other:
        raise click.UsageError("--plan is for a new run on one device: without other such options")
    if hourly_cost and not only_plan:
        raise click.UsageError("--hourly-cost needs --plan")


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
