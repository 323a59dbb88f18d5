"""`speechlstm train`: train an acoustic model on recordings with transcripts."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from speechlstm.cli.options import BundlePath, NumberRange, OutputFolder
from speechlstm.cli.output import say, show, show_lines
from speechlstm.cli.training import load_keras, resumable
from speechlstm.cli.verbs import verb
from speechlstm.config import Precision, Settings

_WEIGHTED = re.compile(r"(.+):(\d+(?:\.\d+)?)", re.DOTALL)

if TYPE_CHECKING:
    from speechlstm.training.acoustic.transfer import Source


@verb()
@click.option(
    "--train",
    "train_paths",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="MANIFEST[:WEIGHT]",
    help="Training manifest; may be given several times. An epoch has all of a.jsonl:2 twice, and "
    "of b.jsonl:0.5 half, another one each time (training.weights).",
)
@click.option(
    "--valid",
    "valid_paths",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Validation manifest, of other speakers; may be given several times.",
)
@click.option(
    "-o",
    "--output",
    "run_path",
    type=OutputFolder(),
    required=True,
    help="Folder of the run.",
)
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    help="TOML file with the sections [features], [model], [training], [augmentation].",
)
@click.option(
    "--init-from",
    type=BundlePath(),
    metavar="BUNDLE|RUN",
    help="Model to start from, also english: every layer of it that fits is kept.",
)
@click.option(
    "--from-scratch", is_flag=True, help="Start from fresh weights, however little data there is."
)
@click.option(
    "--lexicon",
    type=click.Path(path_type=Path),
    help="Pronouncing dictionary (CMUdict's format); the model learns to output its phones, too.",
)
@click.option(
    "--freeze",
    "frozen_layers",
    type=click.IntRange(min=0),
    metavar="N",
    help="Do not train the first N recurrent layers (training.frozen_layers); needs --init-from.",
)
@click.option(
    "--epochs",
    "num_epochs",
    type=click.IntRange(min=1),
    help="Number of epochs (training.num_epochs); with --resume, changes that of the run.",
)
@click.option(
    "--precision",
    type=click.Choice(get_args(Precision)),
    help="Precision of large products, instead of training.precision.",
)
@click.option(
    "--checkpoint-minutes",
    type=NumberRange(min=0),
    help="Minutes between checkpoints, instead of training.checkpoint_minutes.",
)
@click.option(
    "--cache",
    "cache_path",
    type=click.Path(path_type=Path),
    help="Folder for decoded recordings; by default a folder in the run.",
)
@click.option(
    "--no-cache",
    "cache",
    flag_value=False,
    default=None,
    help="Keep no decoded recordings (training.cache): for corpora that do not fit on the disk.",
)
@click.option(
    "--prepare",
    is_flag=True,
    help="Only create the run and decode its recordings; --resume then trains it.",
)
@click.option(
    "--plan",
    "only_plan",
    is_flag=True,
    help="Only print how long the run will take, and what memory and disk; writes nothing.",
)
@click.option(
    "--hourly-cost",
    type=NumberRange(min=0, min_open=True),
    help="The price of an hour of this machine, for --plan.",
)
@click.option("--resume", is_flag=True, help="Continue the run in the output folder.")
@click.option(
    "--devices",
    "num_devices",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="GPUs of this machine that share each batch (jax backend).",
)
@click.option(
    "--coordinator",
    metavar="HOST:PORT",
    envvar="KERAS_DISTRIBUTION_JOB_ADDRESSES",
    help="Address of process 0, if several processes share each batch (jax backend).",
)
@click.option(
    "--num-processes",
    type=click.IntRange(min=1),
    default=1,
    envvar="KERAS_DISTRIBUTION_NUM_PROCESSES",
    help="Number of processes that share each batch.",
)
@click.option(
    "--process-id",
    type=int,
    default=0,
    envvar="KERAS_DISTRIBUTION_PROCESS_ID",
    help="Number of this process, counted from 0.",
)
def command(
    train_paths: tuple[Path, ...],
    valid_paths: tuple[Path, ...],
    run_path: Path,
    config_path: Path | None,
    init_from: Path | None,
    from_scratch: bool,
    lexicon: Path | None,
    cache_path: Path | None,
    prepare: bool,
    only_plan: bool,
    hourly_cost: float | None,
    resume: bool,
    num_devices: int,
    coordinator: str | None,
    num_processes: int,
    process_id: int,
    **training: Any,
) -> None:
    """Train an acoustic model.

    The alphabet consists of the characters in the training transcripts, in lower case and without
    punctuation. Utterances that cannot be used (unreadable recordings, texts that are too long for
    their recording) are listed in refused.txt in the folder of the run. Ctrl-C and SIGTERM save a
    checkpoint, and --resume continues from it. --resume --epochs changes the number of epochs: the
    learning rate is then that of a run of the new length.

    With less than ten hours of speech, whose transcripts have no other characters than English, and
    unless --config sets another network, training starts from the model of the package, and reports
    that. --from-scratch and --init-from override this.

    With --init-from, features and network are those of the other model unless --config says
    otherwise. Its alphabet is used if it has all characters of the transcripts. Layers that do not
    fit are listed.

    --plan trains on a few batches for a minute or two, and prints time, memory and disk of the run
    on this machine.

    With --lexicon, the network has a second output for phones. Utterances with a word that is not
    in the dictionary train the output for characters only.

    Several devices share each batch, so training.batch_seconds should grow with their number. For
    several machines, create the run with --prepare in a folder that all of them see under the same
    path, as must be the recordings; then start --resume on each.

    \b
    Example:
      speechlstm train --train train.jsonl --valid valid.jsonl -o runs/mine
      speechlstm train --train read.jsonl:0.5 --train mine.jsonl:4 --valid valid.jsonl -o runs/mine
      speechlstm train --plan --train train.jsonl --valid valid.jsonl -o runs/mine
      speechlstm train --resume -o runs/mine
      speechlstm train --resume --epochs 60 -o runs/mine
      speechlstm train --init-from runs/mine --train other.jsonl --valid valid.jsonl -o runs/other
      speechlstm train --resume -o runs/big --coordinator gpu0:4000 --num-processes 2 --process-id 1
    """
    train_paths, weights = _weighted(train_paths)
    training["weights"] = weights
    given = {key: value for key, value in training.items() if value is not None}
    fixed = given.keys() - {"num_epochs"}
    if resume:
        new = bool(train_paths or valid_paths or config_path or init_from or lexicon or fixed)
        _check_resume(new, prepare, from_scratch)
    elif not (train_paths and valid_paths):
        raise click.UsageError("a new run needs --train and --valid; --resume continues a run")
    _check_plan(only_plan, hourly_cost, resume or prepare or num_devices > 1)
    if num_processes > 1 and not (resume and coordinator):
        raise click.UsageError(
            "--num-processes needs --resume and --coordinator: create the run with --prepare, then "
            "start each process with them"
        )
    _check_start(bool(given.get("frozen_layers")), bool(init_from), from_scratch)
    devices = ["--devices", str(num_devices)] if num_devices > 1 else []
    if num_processes > 1:
        devices += ["--coordinator", f"{coordinator}", "--num-processes", str(num_processes)]
        devices += ["--process-id", str(process_id)]
    with resumable(run_path, _resume_command(run_path, cache_path, devices)):
        load_keras()
        from speechlstm.training.acoustic import recipe
        from speechlstm.training.acoustic.transfer import read_source
        from speechlstm.training.engine.distribution import Address, Cluster

        address = Address.parse(coordinator) if coordinator else None
        cluster = Cluster(num_devices, num_processes, process_id, address)

        def report(line: str) -> None:
            if cluster.leads:
                say(line)

        progress = sys.stderr.isatty() and cluster.leads
        if resume:
            recipe.resume(
                run_path, given.get("num_epochs"),
                cache=cache_path, report=report, progress=progress, cluster=cluster,
            )  # fmt: skip
        else:
            if not (init_from or from_scratch):
                init_from = _english_if_better(train_paths, config_path, report)
            source = read_source(init_from) if init_from else None
            settings = source.settings if source else Settings()
            settings = Settings.read(config_path, settings) if config_path else settings
            settings = settings.with_training(**given)
            if only_plan:
                _show_plan(train_paths, valid_paths, settings, source, lexicon, hourly_cost)
                return
            recipe.train(
                train_paths, valid_paths, run_path, settings,
                init_from=source, lexicon=lexicon, cache=cache_path, report=report,
                progress=progress, cluster=cluster, only_prepare=prepare,
            )  # fmt: skip
    show(f"{run_path}")


def _weighted(values: tuple[Path, ...]) -> tuple[tuple[Path, ...], tuple[float, ...] | None]:
    """The manifests and their weights, if there is one, from MANIFEST:WEIGHT."""
    found = [_WEIGHTED.fullmatch(f"{value}") for value in values]
    pairs = [
        (Path(match[1]), float(match[2])) if match and not value.exists() else (value, 1.0)
        for value, match in zip(values, found, strict=True)
    ]
    weights = tuple(weight for _, weight in pairs)
    return tuple(path for path, _ in pairs), weights if any(w != 1 for w in weights) else None


def _check_resume(new: bool, prepare: bool, from_scratch: bool) -> None:
    """Refuse options of a new run together with --resume."""
    if new:
        raise click.UsageError(
            "--resume takes manifests and settings from the run: only --epochs may be changed"
        )
    if prepare or from_scratch:
        option = "--prepare" if prepare else "--from-scratch"
        raise click.UsageError(f"{option} makes a new run, --resume continues one: use only one")


def _check_start(freeze: bool, init_from: bool, from_scratch: bool) -> None:
    """Refuse options that contradict --init-from, or need it."""
    if freeze and not init_from:
        raise click.UsageError("--freeze needs a model to start from: --init-from")
    if from_scratch and init_from:
        raise click.UsageError("--from-scratch and --init-from exclude each other: use only one")


def _check_plan(only_plan: bool, hourly_cost: float | None, other: bool) -> None:
    """Refuse --plan for anything but a new run, and its option without it."""
    if only_plan and other:
        raise click.UsageError("--plan is for a new run on one device: without other such options")
    if hourly_cost and not only_plan:
        raise click.UsageError("--hourly-cost needs --plan")


def _show_plan(
    train: tuple[Path, ...],
    valid: tuple[Path, ...],
    settings: Settings,
    source: "Source | None",
    lexicon: Path | None,
    hourly_cost: float | None,
) -> None:
    from speechlstm.training import plan

    say("training on a few batches ...")
    planned = plan(train, valid, settings, init_from=source, lexicon=lexicon)
    show_lines(planned.to_text(hourly_cost))


def _resume_command(run: Path, cache: Path | None, devices: list[str]) -> list[str]:
    """The command that continues the run."""
    options = ["--cache", str(cache)] if cache else []
    return ["speechlstm", "train", "--resume", "-o", str(run), *options, *devices]


def _english_if_better(
    train: tuple[Path, ...], config: Path | None, report: Callable[[str], None]
) -> Path | None:
    """Return the model of the package, if there is too little speech to start from scratch."""
    from speechlstm.training.acoustic.start import MAX_HOURS, better_start

    found = better_start(train, config)
    if found:
        report(
            f"less than {MAX_HOURS:g} hours of speech: starting from english, the model of the "
            "package (to start from random weights: --from-scratch)"
        )
    return found
