"""Training of an acoustic model, from manifests to a run; used by the command line and scripts."""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import keras

from speechlstm.bundle import find_bundle
from speechlstm.config import Settings
from speechlstm.corpora.manifest import Manifest
from speechlstm.corpora.overlap import first_overlap
from speechlstm.errors import ConfigError, SpeechLSTMError, TrainingError, counted
from speechlstm.text.alphabet import Alphabet
from speechlstm.text.lexicon import Lexicon
from speechlstm.training.acoustic.corpus import Corpus, derive_alphabet
from speechlstm.training.acoustic.run import Run, SpeechRun, load_run
from speechlstm.training.acoustic.trainer import SpeechTrainer, Trainer
from speechlstm.training.acoustic.transfer import Source, read_source, transfer
from speechlstm.training.data.augment import load_noise
from speechlstm.training.engine.devices import faster_backend
from speechlstm.training.engine.distribution import Cluster
from speechlstm.training.engine.run_folder import locked

R = TypeVar("R", bound=SpeechRun[Any])
Paths = str | Path | Sequence[str | Path]


def train(
    train: Paths,
    valid: Paths,
    run: str | Path,
    settings: Settings | None = None,
    *,
    init_from: str | Path | Source | None = None,
    lexicon: str | Path | None = None,
    cache: str | Path | None = None,
    report: Callable[[str], None] = lambda line: None,
    progress: bool = False,
    cluster: Cluster | None = None,
    only_prepare: bool = False,
    alphabet: Alphabet | None = None,
) -> Run:
    """Train a new model on transcribed recordings.

        from speechlstm.training import export, train

        run = train("train.jsonl", "valid.jsonl", "runs/mine")
        export(run, "mine")

    Args:
        train: Training manifest, or several.
        valid: Validation manifest, or several, of other speakers; evaluated after each epoch.
        run: Folder of the run; a run in it must not have a checkpoint yet, unless torchrun started
            the processes and it is this very run: then it is continued.
        settings: Features, network, training; by default those of `init_from`, or Settings().
        init_from: Bundle ("english" for that of the package) or run whose weights the training
            starts from, for every layer that fits.
        lexicon: Pronouncing dictionary; the model gets a second output for its phones.
        cache: Folder for decoded recordings; by default a folder in the run.
        report: Called with lines of text: unusable utterances, the metrics of each epoch.
        progress: Whether to show progress bars on stderr.
        cluster: The devices that share each batch.
        only_prepare: Whether to stop after decoding the recordings; `resume` then trains.
        alphabet: The alphabet of the model; by default the characters of the training transcripts.

    Returns:
        The run; `export` writes a bundle of its best epoch.

    Raises:
        DataError: A manifest or the lexicon cannot be read.
        TrainingError: No utterance is usable, a recording is in a training and in a validation
            manifest, another process trains in the folder, or too many losses are not finite.
        ConfigError: The folder holds a run already, or settings contradict each other.
        ModelError: The model to start from is damaged.
        KeyboardInterrupt: Ctrl-C was pressed; `resume` continues the run.
        SystemExit: SIGTERM was received; `resume` continues the run.
    """
    path, cluster = Path(run), cluster or Cluster()

    def prepare() -> tuple[Run, Lists]:
        source = as_source(init_from)
        lists = Lists.read(as_paths(train), as_paths(valid))
        made = prepare_run(
            path, *lists.paths, settings or (source.settings if source else Settings()), source,
            report, Path(lexicon) if lexicon else None, alphabet, lists, cluster.launched,
        )  # fmt: skip
        return made, lists

    return train_new(
        path, prepare, load_run, Trainer, Path(cache) if cache else None, report, progress,
        cluster, only_prepare,
    )  # fmt: skip


def resume(
    run: str | Path,
    num_epochs: int | None = None,
    *,
    cache: str | Path | None = None,
    report: Callable[[str], None] = lambda line: None,
    progress: bool = False,
    cluster: Cluster | None = None,
) -> Run:
    """Continue a run from its last checkpoint; the result is that of an uninterrupted run.

    Args:
        run: The folder of the run.
        num_epochs: A new number of epochs; by default that of the run.
        cache: See train.
        report: See train.
        progress: See train.
        cluster: See train.

    Returns:
        The run.

    Raises:
        ModelError: The folder holds no run, or the run is damaged.
        ConfigError: More than `num_epochs` epochs have ended already.
        DataError: See train.
        TrainingError: See train.
        KeyboardInterrupt: See train.
        SystemExit: See train.
    """
    return resume_run(
        lambda: load_run(Path(run)), Trainer, num_epochs,
        Path(cache) if cache else None, report, progress, cluster,
    )  # fmt: skip


def train_new(
    path: Path,
    prepare: Callable[[], tuple[R, "Lists"]],
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
            train_run(run, report, cache, progress, cluster, data, trainer)
    return run


def load_new_data(
    run: SpeechRun[Any],
    report: Callable[[str], None],
    cache: Path | None,
    progress: bool,
    lists: "Lists",
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


def as_source(init_from: str | Path | Source | None) -> Source | None:
    """The model to start from; one that is named is read.

    Raises:
        ModelError: It is missing or damaged.
    """
    return read_source(find_bundle(init_from)) if isinstance(init_from, str | Path) else init_from


def as_paths(paths: Paths) -> tuple[Path, ...]:
    """One path or several, as several."""
    return (Path(paths),) if isinstance(paths, str | Path) else tuple(map(Path, paths))


def prepare_run(
    path: Path,
    train: Sequence[Path],
    valid: Sequence[Path],
    settings: Settings,
    source: Source | None = None,
    report: Callable[[str], None] = lambda line: None,
    lexicon: Path | None = None,
    alphabet: Alphabet | None = None,
    lists: "Lists | None" = None,
    again: bool = False,
) -> Run:
    """Create a run.

    Args:
        path: The folder of the run.
        train: Training manifests.
        valid: Validation manifests.
        settings: Features, network, training.
        source: A model to start from. Its alphabet is used if it has all characters of the training
            transcripts.
        report: Called with lines of text: the layers that start from `source`.
        lexicon: Pronouncing dictionary; the model gets a second output for its phones.
        alphabet: The alphabet of the model; by default the characters of the training transcripts.
        lists: The manifests, if they have been read already.
        again: Whether the folder may hold this run already, with a checkpoint, which stays.

    Raises:
        DataError: The lexicon cannot be read.
        ManifestError: A manifest cannot be read.
        TrainingError: The training manifests have no transcript, a recording is in manifests of
            both kinds, or another process trains in the folder.
        ConfigError: The folder holds a run already, or no layer of the other model fits.
    """
    check_weights(settings, len(train))
    lists = lists or Lists.read(train, valid)
    alphabet = alphabet or derive_alphabet(lists.train)
    phones = Lexicon.read(lexicon).alphabet if lexicon else None
    if source is None and settings.training.frozen_layers:
        raise ConfigError("training.frozen_layers: needs a model to start from (--init-from)")
    if (
        source
        and not source.alphabet.separator
        and set(alphabet.symbols) <= set(source.alphabet.symbols)
    ):
        alphabet = source.alphabet
    origin = source.path if source else None
    run = Run(path, settings, alphabet, tuple(train), tuple(valid), origin, lexicon, phones)
    if again and run.is_begun():
        report(f"{path}: continuing the run")
        return run
    model = None
    if source:
        keras.utils.set_random_seed(settings.training.seed)
        model = run.new_network()
        transfer(source, model, alphabet, settings.training.frozen_layers, report, run.phones)
    with locked(path):
        run.create(model)
    return run


def check_weights(settings: Settings, num_manifests: int) -> None:
    """Refuse, by ConfigError, weights of more or fewer training manifests than there are."""
    weights = settings.training.weights
    if weights and len(weights) != num_manifests:
        given = f"{len(weights)} for {counted(num_manifests, 'manifest')}"
        raise ConfigError(f"training.weights: needs one for each training manifest, has {given}")


@dataclass(frozen=True)
class Lists:
    """The manifests of a run, which have been read and share no recording."""

    train: Sequence[Manifest]
    valid: Sequence[Manifest]

    @property
    def paths(self) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
        """The paths of the training and of the validation manifests."""
        train, valid = (tuple(m.path for m in manifests) for manifests in (self.train, self.valid))
        return train, valid

    @classmethod
    def read(cls, train: Sequence[Path], valid: Sequence[Path]) -> "Lists":
        """Read manifests.

        Raises:
            ManifestError: A manifest cannot be read.
            TrainingError: A recording is in manifests of both kinds.
        """
        lists = cls(*([Manifest(path) for path in paths] for paths in (train, valid)))
        if found := first_overlap(lists.train, lists.valid):
            manifest, utterance = found
            raise TrainingError(
                f"{manifest.path}: the recording of {utterance.id} is in a training manifest, "
                "too; separate them with: speechlstm manifest split"
            )
        return lists


def load_data(
    run: SpeechRun[Any],
    report: Callable[[str], None],
    cache: Path | None = None,
    progress: bool = False,
    lists: Lists | None = None,
) -> tuple[Corpus, Corpus]:
    """Load the training and the validation data of a run; decodes recordings that are not cached.

    Args:
        run: The run; unusable utterances are listed in its refused.txt.
        report: Called with lines of text.
        cache: Folder for decoded recordings; by default a folder in the run.
        progress: Whether to show progress bars on stderr.
        lists: The manifests, if they have been read already.

    Returns:
        The training corpus and the validation corpus.

    Raises:
        ManifestError: A manifest cannot be read.
        TrainingError: No utterance is usable, or a recording is in manifests of both kinds.
    """
    cache = cache or run.path / "cache"
    lists = lists or Lists.read(run.train, run.valid)
    train, valid = (
        run.load_corpus(manifests, cache, progress, weights)
        for manifests, weights in (
            (lists.train, run.settings.training.weights),
            (lists.valid, ()),
        )
    )
    refused = [*train.refused, *valid.refused]
    settings = run.settings
    noise = load_noise(settings.augmentation, settings.features.sample_rate, cache, progress)
    if noise:
        train = replace(train, noise=noise)
        refused += noise.failures.values()
    run.refused.unlink(missing_ok=True)
    if refused:
        run.refuse(refused)
        report(
            f"warning: {counted(len(refused), 'recording')} cannot be used, the first: "
            f"{refused[0]}; all of them are listed in {run.refused}"
        )
    return train, valid


def train_run(
    run: SpeechRun[Any],
    report: Callable[[str], None],
    cache: Path | None = None,
    progress: bool = False,
    cluster: Cluster | None = None,
    data: tuple[Corpus, Corpus] | None = None,
    trainer: type[SpeechTrainer] = Trainer,
) -> None:
    """Train a run from its last checkpoint; without one, from the start.

    Args:
        run: The run.
        report: Called with lines of text.
        cache: Folder for decoded recordings; by default a folder in the run.
        progress: Whether to show progress bars on stderr.
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
        for example in corpus.examples:
            digest.update(repr(example).encode())
    return digest.hexdigest()
