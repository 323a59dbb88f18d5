"""`speechlstm train`: train an acoustic model on recordings with transcripts."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from speechlstm.cli.options import label_option
from speechlstm.cli.output import say, show, show_lines
from speechlstm.cli.train.processes import Processes, launched, processes_options, resume_command
from speechlstm.cli.train.usage import check_usage, weighted
from speechlstm.cli.training import load_keras, resumable
from speechlstm.cli.types import PATH, BundlePath, IntegerRange, NumberRange, OutputFolder
from speechlstm.cli.verbs import verb
from speechlstm.config import Precision, Settings

if TYPE_CHECKING:
    from speechlstm.config import LabelField
    from speechlstm.training.acoustic.trained import TrainedModel


@verb()
@click.option(
    "--train",
    "train_paths",
    type=PATH,
    multiple=True,
    metavar="MANIFEST[:WEIGHT]",
    help="Training manifest; may be given several times. An epoch has all of a.jsonl:2 twice, and "
    "of b.jsonl:0.5 half, another one each time (training.weights).",
)
@click.option(
    "--valid",
    "valid_paths",
    type=PATH,
    multiple=True,
    help="Validation manifest, of other speakers; may be given several times.",
)
@click.option(
    "-o", "--output", "run_path", type=OutputFolder(), help="Folder of the run; not for --plan."
)
@click.option(
    "--config",
    "config_path",
    type=PATH,
    help="TOML file with the sections [features], [model], [training], [augmentation].",
)
@click.option(
    "--task",
    type=click.Choice(["transcribe", "classify"]),
    default="transcribe",
    show_default=True,
    help="What to train: a recogniser of what is spoken, or a classifier of whole utterances.",
)
@label_option("label")
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
    type=PATH,
    help="Pronouncing dictionary (CMUdict's format); the model learns to output its phones, too.",
)
@click.option(
    "--freeze",
    "frozen_layers",
    type=IntegerRange(min=0),
    metavar="N",
    help="Do not train the first N recurrent layers (training.frozen_layers); needs --init-from.",
)
@click.option(
    "--epochs",
    "num_epochs",
    type=IntegerRange(min=1),
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
    type=PATH,
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
@processes_options
def command(
    train_paths: tuple[Path, ...],
    valid_paths: tuple[Path, ...],
    run_path: Path | None,
    config_path: Path | None,
    task: str,
    label: "LabelField | None",
    init_from: Path | None,
    from_scratch: bool,
    lexicon: Path | None,
    cache_path: Path | None,
    prepare: bool,
    only_plan: bool,
    hourly_cost: float | None,
    resume: bool,
    processes: Processes,
    **training: Any,
) -> None:
    """Train an acoustic model, or a classifier.

    The alphabet consists of the characters in the training transcripts, in lower case and without
    punctuation. Utterances that cannot be used (unreadable recordings, texts that are too long for
    their recording) are listed in refused.txt in the folder of the run. Ctrl-C, SIGTERM
    and the end of the terminal save a checkpoint, and --resume continues from it. --resume --epochs
    changes the number of epochs: the learning rate is then that of a run of the new length.

    With less than ten hours of speech, whose transcripts (if they are to be learned) have no other
    characters than English, and unless --config sets another network, training starts from the
    model of the package, and reports that. --from-scratch and --init-from override this.

    With --init-from, features and network are those of the other model unless --config says
    otherwise. Its alphabet is used if it has all characters of the transcripts. Layers that do not
    fit are listed.

    --plan trains on a few batches for a minute or two, and prints time, memory and disk of the run
    on this machine.

    With --lexicon, the network has a second output for phones. Utterances with a word that is not
    in the dictionary train the output for characters only.

    --task classify trains the same layers to tell who speaks (--label speaker), which of several
    commands a recording is (--label text), or whatever the label in the manifests means. All
    classes must be in the training manifests. The best epoch is that of the highest accuracy.

    Several devices share each batch, so training.batch_seconds should grow with their number. With
    torch, torchrun starts the processes, on one machine or on several that see the run and the
    recordings under the same paths. The same command continues its run, also if torchrun starts it
    again because a process has ended. With jax, create the run with --prepare, then start --resume
    for each process.

    \b
    torchrun --nproc-per-node 4 --max-restarts 3 -m speechlstm train --train train.jsonl ...

    \b
    Example:
      speechlstm train --train train.jsonl --valid valid.jsonl -o runs/mine
      speechlstm train --train read.jsonl:0.5 --train mine.jsonl:4 --valid valid.jsonl -o runs/mine
      speechlstm train --plan --train train.jsonl --valid valid.jsonl
      speechlstm train --resume -o runs/mine
      speechlstm train --task classify --label speaker --train a.jsonl --valid b.jsonl -o runs/who
      speechlstm train --resume --epochs 60 -o runs/mine
      speechlstm train --init-from runs/mine --train other.jsonl --valid valid.jsonl -o runs/other
      speechlstm train --resume -o runs/big --coordinator gpu0:4000 --num-processes 2 --process-id 1
    """
    check_usage(click.get_current_context().params)
    train_paths, weights = weighted(train_paths)
    training["weights"] = weights
    given = {key: value for key, value in training.items() if value is not None}
    launch = launched(processes.num_processes > 1 or only_plan)
    if only_plan or run_path is None:  # for --plan alone it may be
        load_keras()
        source = _source(init_from, from_scratch, train_paths, config_path, say)
        settings = _settings(source, config_path, given)
        _show_plan(train_paths, valid_paths, settings, source, lexicon, hourly_cost)
        return
    with resumable(run_path, resume_command(run_path, cache_path, processes, launch)):
        load_keras()
        from speechlstm.training.acoustic import recipe
        from speechlstm.training.classification.recipe import resume_classifier, train_classifier
        from speechlstm.training.classification.run import is_classifier_run

        cluster = processes.cluster(launch)
        report = say if cluster.leads else lambda line: None  # of one process only
        shared: dict[str, Any] = {
            "cache": cache_path,
            "report": report,
            "progress": sys.stderr.isatty() and cluster.leads,
            "cluster": cluster,
        }
        if resume:
            resumed: Any = resume_classifier if is_classifier_run(run_path) else recipe.resume
            resumed(run_path, given.get("num_epochs"), **shared)
        else:
            classifies, keeps_fresh = task == "classify", from_scratch or not cluster.leads
            source = _source(init_from, keeps_fresh, train_paths, config_path, report, classifies)
            settings = _settings(source, config_path, given)
            shared |= {"init_from": source, "only_prepare": prepare}
            lists = train_paths, valid_paths, run_path
            if classifies:
                train_classifier(*lists, label or "label", settings, **shared)
            else:
                recipe.train(*lists, settings, lexicon=lexicon, **shared)
    if cluster.leads:
        show(f"{run_path}")


def _source(
    init_from: Path | None,
    from_scratch: bool,
    train: tuple[Path, ...],
    config: Path | None,
    report: Callable[[str], None],
    classifies: bool = False,
) -> Any:
    """The model to start from; None: fresh weights."""
    from speechlstm.training.acoustic.trained import trained_model
    from speechlstm.training.classification.transfer import read_encoder

    if not (init_from or from_scratch):
        init_from = _english_if_better(train, config, report, classifies)
    read: Any = read_encoder if classifies else trained_model
    return read(init_from) if init_from else None


def _settings(source: Any, config: Path | None, given: dict[str, Any]) -> Settings:
    """Those of the model to start from, of the configuration file and of the options, in turn."""
    settings = source.settings if source else Settings()
    settings = Settings.read(config, settings) if config else settings
    return settings.with_training(**given)


def _show_plan(
    train: tuple[Path, ...],
    valid: tuple[Path, ...],
    settings: Settings,
    source: "TrainedModel | None",
    lexicon: Path | None,
    hourly_cost: float | None,
) -> None:
    from speechlstm.training import plan

    say("training on a few batches ...")
    planned = plan(train, valid, settings, init_from=source, lexicon=lexicon)
    show_lines(planned.to_text(hourly_cost))


def _english_if_better(
    train: tuple[Path, ...],
    config: Path | None,
    report: Callable[[str], None],
    any_text: bool = False,
) -> Path | None:
    """Return the model of the package, if there is too little speech to start from scratch."""
    from speechlstm.training.acoustic.start import MAX_HOURS, better_start

    found = better_start(train, config, any_text)
    if found:
        report(
            f"less than {MAX_HOURS:g} hours of speech: starting from english, the model of the "
            "package (to start from random weights: --from-scratch)"
        )
    return found
