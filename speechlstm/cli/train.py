"""`speechlstm train`: recordings with transcripts to a model."""

import sys
from pathlib import Path
from typing import Any, get_args

import click

from speechlstm.cli.options import OutputFolder
from speechlstm.cli.output import say, show
from speechlstm.cli.verbs import verb
from speechlstm.config import Precision, Settings


@verb()
@click.option(
    "--train",
    "train_paths",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Manifest to learn from; may be given several times.",
)
@click.option(
    "--valid",
    "valid_paths",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Manifest to measure on each epoch, of other speakers; may be given several times.",
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
    type=click.Path(path_type=Path),
    metavar="BUNDLE|RUN",
    help="Model to start from: every layer of it that fits is kept.",
)
@click.option(
    "--lexicon",
    type=click.Path(path_type=Path),
    help="Pronouncing dictionary (CMUdict's format): learn to emit its phones, too.",
)
@click.option(
    "--freeze",
    "frozen_layers",
    type=int,
    metavar="N",
    help="Leave the first N recurrent layers as they are in it (training.frozen_layers).",
)
@click.option("--epochs", "num_epochs", type=int, help="Instead of training.num_epochs.")
@click.option(
    "--precision",
    type=click.Choice(get_args(Precision)),
    help="Instead of training.precision.",
)
@click.option("--checkpoint-minutes", type=float, help="Instead of training.checkpoint_minutes.")
@click.option(
    "--cache",
    "cache_path",
    type=click.Path(path_type=Path),
    help="Folder for decoded recordings; the run's own by default.",
)
@click.option(
    "--prepare", is_flag=True, help="Make the run and decode its recordings; train with --resume."
)
@click.option("--resume", is_flag=True, help="Go on with the run in the output folder.")
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
    help="Of several processes that share each batch, where process 0 runs (jax backend).",
)
@click.option(
    "--num-processes",
    type=click.IntRange(min=1),
    default=1,
    envvar="KERAS_DISTRIBUTION_NUM_PROCESSES",
    help="How many there are.",
)
@click.option(
    "--process-id",
    type=int,
    default=0,
    envvar="KERAS_DISTRIBUTION_PROCESS_ID",
    help="Which of them this is, counted from 0.",
)
def command(
    train_paths: tuple[Path, ...],
    valid_paths: tuple[Path, ...],
    run_path: Path,
    config_path: Path | None,
    init_from: Path | None,
    lexicon: Path | None,
    cache_path: Path | None,
    prepare: bool,
    resume: bool,
    num_devices: int,
    coordinator: str | None,
    num_processes: int,
    process_id: int,
    **training: Any,
) -> None:
    """Train a model.

    The alphabet is made of the characters in the training transcripts, lower-cased and without
    punctuation. What cannot be used (unreadable recordings, texts too long for theirs) is listed in
    the run's refused.txt. Ctrl-C leaves a run that --resume goes on with.

    With --init-from, features and network are those of the other model unless --config says
    otherwise, and so is the alphabet if it has all the characters. What does not fit is listed.

    With --lexicon the network has a second output, for phones. Utterances with a word that the
    dictionary lacks teach it characters alone.

    Several devices share each batch, so that training.batch_seconds should grow with them. Where
    they are on several machines, make the run with --prepare, in a folder that all of them see
    under the same path, as they do the recordings; then start --resume on each.

    \b
    Example:
      speechlstm train --train train.jsonl --valid valid.jsonl -o runs/mine
      speechlstm train --resume -o runs/mine
      speechlstm train --init-from runs/mine --train other.jsonl --valid valid.jsonl -o runs/other
      speechlstm train --resume -o runs/big --coordinator gpu0:4000 --num-processes 2 --process-id 1
    """
    given = [value for value in training.values() if value is not None]
    if resume and (train_paths or valid_paths or config_path or init_from or lexicon or given):
        raise click.UsageError("--resume takes manifests and settings from the run")
    if not resume and not (train_paths and valid_paths):
        raise click.UsageError("--train and --valid are needed, or --resume")
    if num_processes > 1 and not (resume and coordinator):
        raise click.UsageError(
            "several processes go on with a run made with --prepare: each needs --resume and "
            "--coordinator"
        )
    from speechlstm.training.acoustic.recipe import load_data, prepare_run, train_run
    from speechlstm.training.acoustic.run import load_run
    from speechlstm.training.acoustic.transfer import read_source
    from speechlstm.training.engine.distribution import Cluster
    from speechlstm.training.engine.rendezvous import Address

    address = Address.parse(coordinator) if coordinator else None
    cluster = Cluster(num_devices, num_processes, process_id, address)

    def report(line: str) -> None:
        if cluster.leads:
            say(line)

    if resume:
        run = load_run(run_path)
    else:
        source = read_source(init_from) if init_from else None
        settings = source.settings if source else Settings()
        settings = Settings.read(config_path, settings) if config_path else settings
        settings = settings.with_training(**training)
        run = prepare_run(run_path, train_paths, valid_paths, settings, source, report, lexicon)
    progress = sys.stderr.isatty() and cluster.leads
    if prepare:
        load_data(run, report, cache_path, progress)
    else:
        train_run(run, report, cache_path, progress, cluster)
    show(f"{run_path}")
