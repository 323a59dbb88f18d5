"""How runs of networks of speech are created, trained and resumed, whatever they learn."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import keras

from speechlstm.errors import ConfigError, SpeechLSTMError, counted
from speechlstm.training.acoustic.corpus import Corpus
from speechlstm.training.acoustic.manifests import RunManifests, load_data
from speechlstm.training.acoustic.run import SpeechRun
from speechlstm.training.acoustic.trainer import SpeechTrainer
from speechlstm.training.engine.devices import faster_backend
from speechlstm.training.engine.distribution import Cluster
from speechlstm.training.engine.lock import locked

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


@dataclass(frozen=True)
class TrainingSession:
    """Trains and resumes runs of one kind on this machine; only `trainer` decides what they learn.

    Attributes:
        trainer: What trains such a run.
        cache: Folder for decoded recordings; None: a folder in the run.
        cluster: The devices that share each batch; all processes read the same files, process 0
            writes.
    """

    trainer: type[SpeechTrainer]
    report: Callable[[str], None]
    cache: Path | None = None
    progress: bool = False
    cluster: Cluster = field(default_factory=Cluster)

    def start(
        self,
        path: Path,
        prepare: Callable[[], tuple[R, RunManifests]],
        load: Callable[[Path], R],
        only_prepare: bool,
    ) -> R:
        """Create a run, in process 0, and train it in all processes.

        Args:
            prepare: Creates the run; returns its manifests as well.
            load: Loads it from its folder, in the other processes.

        Raises:
            SpeechLSTMError: See recipe.train. A new run that cannot be trained is removed.
        """
        with self._connected(path):
            with self.cluster.leader_first():
                if self.cluster.leads:
                    run, manifests = prepare()
                    data = self._load_new_data(run, manifests)
                    del manifests  # a million utterances take 200 MB
                else:
                    run = load(path)
                    data = self._load_data(run)
            if not only_prepare:
                self.train(run, data)
        return run

    def resume(self, load: Callable[[], R], num_epochs: int | None) -> R:
        """Continue the run that `load` returns, with a new number of epochs unless that is None."""
        path = load().path  # before the lock, which would create the folder
        with self._connected(path):
            with self.cluster.leader_first():
                run = load()
                if num_epochs is not None:
                    run = run.prolonged(num_epochs)
            self.train(run)
        return run

    def train(self, run: SpeechRun[Any], data: tuple[Corpus, Corpus] | None = None) -> None:
        """Train a run from its last checkpoint; without one, from the start.

        Args:
            data: Its training and validation data, if they have been loaded already.

        Raises:
            ManifestError: A manifest cannot be read.
            TrainingError: No utterance is usable, too many losses are not finite, a process of the
                cluster is missing, or another process trains the run.
            KeyboardInterrupt: Ctrl-C was pressed; the run can be resumed.
            SystemExit: SIGTERM or SIGHUP was received; the run can be resumed.
        """
        with self._connected(run.path):
            if not data:
                with self.cluster.leader_first():
                    data = self._load_data(run)
            train, valid = data
            state = _digest(run, train, valid) if self.cluster.num_processes > 1 else ""
            with self.cluster.joined(state):
                training = self.trainer(run, train, valid, self.report, self.progress, self.cluster)
                training.resume()
                self.report(
                    f"{counted(len(train.examples), 'training utterance')}, "
                    f"{counted(len(valid.examples), 'validation utterance')}, "
                    f"{training.network.count_params():,} weights, "
                    f"{run.outputs}, {counted(self.cluster.total_devices, 'device')}; "
                    f"recurrent layers: {training.network.recurrent[0].engine}"
                )
                if faster := faster_backend(run.settings.training.precision):
                    self.report(f"hint: {faster}")
                training.train()

    @contextmanager
    def _connected(self, path: Path) -> Iterator[None]:
        """Connect the processes; process 0 locks the folder."""
        with self.cluster.connected(), locked(path) if self.cluster.leads else nullcontext():
            yield

    def _load_data(
        self, run: SpeechRun[Any], manifests: RunManifests | None = None
    ) -> tuple[Corpus, Corpus]:
        return load_data(run, self.report, self.cache, self.progress, manifests)

    def _load_new_data(self, run: SpeechRun[Any], manifests: RunManifests) -> tuple[Corpus, Corpus]:
        """The data of a run that was just created: one that cannot be trained is removed."""
        try:
            return self._load_data(run, manifests)
        except SpeechLSTMError:
            if not run.checkpoint.exists():
                run.forget()  # it must not block the folder
            raise


def _digest(run: SpeechRun[Any], *corpora: Corpus) -> str:
    """A checksum of everything that must be equal in the processes that train a run together."""
    digest = hashlib.sha256()
    for path in (run.description, run.initial, run.checkpoint):
        digest.update(path.read_bytes() if path.exists() else b"")
    for corpus in corpora:
        digest.update(corpus.examples.digest().encode())
    return digest.hexdigest()
