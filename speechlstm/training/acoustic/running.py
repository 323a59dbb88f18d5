"""How runs of networks of speech are created, trained and resumed, whatever they learn."""

import hashlib
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TypeVar

import keras

from speechlstm.errors import ConfigError, SpeechLSTMError, counted
from speechlstm.training.acoustic.corpus import Corpus
from speechlstm.training.acoustic.lists import Lists, load_data
from speechlstm.training.acoustic.run import SpeechRun
from speechlstm.training.acoustic.trainer import SpeechTrainer
from speechlstm.training.engine.devices import faster_backend
from speechlstm.training.engine.distribution import Cluster
from speechlstm.training.engine.run_folder import locked

R = TypeVar("R", bound=SpeechRun[Any])


def created(
    run: R, start: Callable[[Any], None] | None, report: Callable[[str], None], again: bool
) -> R:
    """Create the folder of a run.

    Args:
        start: Gives the network the weights of another one; None: it starts from random ones.
        report: Called with a line of text if the run is continued.
        again: Whether the folder may hold this run already, with a checkpoint, which stays.

    Raises:
        TrainingError: Another process trains in the folder.
        ConfigError: The folder holds a run already, or layers of random weights are to be frozen.
    """
    training = run.settings.training
    if start is None and training.frozen_layers:
        raise ConfigError("training.frozen_layers: needs a model to start from (--init-from)")
    if again and run.is_begun():
        report(f"{run.path}: continuing the run")
        return run
    network = None
    if start:
        keras.utils.set_random_seed(training.seed)
        network = run.new_network()
        start(network)
    with locked(run.path):
        run.create(network)
    return run


def train_new(
    path: Path,
    prepare: Callable[[], tuple[R, Lists]],
    load: Callable[[Path], R],
    trainer: type[SpeechTrainer],
    cache: Path | None,
    report: Callable[[str], None],
    progress: bool,
    cluster: Cluster,
    only_prepare: bool,
) -> R:
    """Create a run, in process 0, and train it in all processes.

    Args:
        path: The folder of the run.
        prepare: Creates the run; returns its manifests as well.
        load: Loads it from its folder, in the other processes.
        trainer: What trains such a run.
        cache: See train; so are the other arguments and the errors.
        report: See train.
        progress: See train.
        cluster: See train.
        only_prepare: See train.
    """
    with cluster.connected(), locked(path) if cluster.leads else nullcontext():
        with cluster.leader_first():
            if cluster.leads:
                run, lists = prepare()
                data = load_new_data(run, report, cache, progress, lists)
                del lists  # a million utterances take 200 MB
            else:
                run = load(path)
                data = load_data(run, report, cache, progress)
        if not only_prepare:
            train_run(run, report, cache, progress, cluster, data, trainer=trainer)
    return run


def load_new_data(
    run: SpeechRun[Any],
    report: Callable[[str], None],
    cache: Path | None,
    progress: bool,
    lists: Lists,
) -> tuple[Corpus, Corpus]:
    """As load_data, for a run that was just created: one that cannot be trained is removed."""
    try:
        return load_data(run, report, cache, progress, lists)
    except SpeechLSTMError:
        if not run.checkpoint.exists():
            run.forget()  # it must not block the folder
        raise


def resume_run(
    load: Callable[[], R],
    trainer: type[SpeechTrainer],
    num_epochs: int | None,
    cache: Path | None,
    report: Callable[[str], None],
    progress: bool,
    cluster: Cluster | None,
) -> R:
    """Continue a run that a function loads; arguments and errors are those of resume."""
    cluster = cluster or Cluster()
    path = load().path  # before the lock, which would create the folder
    with cluster.connected(), locked(path) if cluster.leads else nullcontext():
        with cluster.leader_first():
            found = load()
            if num_epochs is not None:
                found = found.prolonged(num_epochs)
        train_run(found, report, cache, progress, cluster, trainer=trainer)
    return found


def train_run(
    run: SpeechRun[Any],
    report: Callable[[str], None],
    cache: Path | None = None,
    progress: bool = False,
    cluster: Cluster | None = None,
    data: tuple[Corpus, Corpus] | None = None,
    *,
    trainer: type[SpeechTrainer],
) -> None:
    """Train a run from its last checkpoint; without one, from the start.

    Args:
        cache: Folder for decoded recordings; by default a folder in the run.
        cluster: The devices that share each batch; all processes read the same files, process 0
            writes.
        data: The result of `load_data`, if it was called already.
        trainer: What trains such a run.

    Raises:
        ManifestError: A manifest cannot be read.
        TrainingError: No utterance is usable, too many losses are not finite, a process of the
            cluster is missing, or another process trains the run.
        KeyboardInterrupt: Ctrl-C was pressed; the run can be resumed.
        SystemExit: SIGTERM was received; the run can be resumed.
    """
    cluster = cluster or Cluster()
    with cluster.connected(), locked(run.path) if cluster.leads else nullcontext():
        if not data:
            with cluster.leader_first():
                data = load_data(run, report, cache, progress)
        train, valid = data
        state = _digest(run, train, valid) if cluster.num_processes > 1 else ""
        with cluster.joined(state):
            training = trainer(run, train, valid, report, progress, cluster)
            training.resume()
            report(
                f"{counted(len(train.examples), 'training utterance')}, "
                f"{counted(len(valid.examples), 'validation utterance')}, "
                f"{training.network.count_params():,} weights, "
                f"{run.outputs}, {counted(cluster.total_devices, 'device')}; "
                f"recurrent layers: {training.network.recurrent[0].engine}"
            )
            if faster := faster_backend(run.settings.training.precision):
                report(f"hint: {faster}")
            training.train()


def _digest(run: SpeechRun[Any], *corpora: Corpus) -> str:
    """A checksum of everything that must be equal in the processes that train a run together."""
    digest = hashlib.sha256()
    for path in (run.description, run.initial, run.checkpoint):
        digest.update(path.read_bytes() if path.exists() else b"")
    for corpus in corpora:
        digest.update(corpus.examples.digest().encode())
    return digest.hexdigest()
