"""Training of an acoustic model, from manifests to a run; used by the command line and scripts."""

from collections.abc import Callable
from functools import partial
from os import PathLike
from pathlib import Path

from speechlstm.arguments import StrPath
from speechlstm.config import Settings
from speechlstm.text.alphabet import Alphabet
from speechlstm.text.lexicon import Lexicon
from speechlstm.training.acoustic.corpus import derive_alphabet
from speechlstm.training.acoustic.manifests import Paths, RunManifests
from speechlstm.training.acoustic.run import Run, load_run
from speechlstm.training.acoustic.session import TrainingSession, created
from speechlstm.training.acoustic.trained import TrainedModel, trained_model
from speechlstm.training.acoustic.trainer import Trainer
from speechlstm.training.acoustic.transfer import transfer
from speechlstm.training.engine.distribution import Cluster


def train(
    train: Paths,
    valid: Paths,
    run: StrPath,
    settings: Settings | None = None,
    *,
    init_from: StrPath | TrainedModel | None = None,
    lexicon: StrPath | None = None,
    cache: StrPath | None = None,
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
        SystemExit: SIGTERM or SIGHUP was received; `resume` continues the run.
    """
    path, cluster = Path(run), cluster or Cluster()
    session = TrainingSession(Trainer, report, Path(cache) if cache else None, progress, cluster)

    def prepare() -> tuple[Run, RunManifests]:
        source = as_source(init_from)
        manifests = RunManifests.read(train, valid)
        chosen = settings or (source.settings if source else Settings())
        made = prepare_run(
            path, manifests, chosen, source, report, Path(lexicon) if lexicon else None, alphabet,
            cluster.launched,
        )  # fmt: skip
        return made, manifests

    return session.start(path, prepare, load_run, only_prepare)


def resume(
    run: StrPath,
    num_epochs: int | None = None,
    *,
    cache: StrPath | None = None,
    report: Callable[[str], None] = lambda line: None,
    progress: bool = False,
    cluster: Cluster | None = None,
) -> Run:
    """Continue a run from its last checkpoint; the result is that of an uninterrupted run.

    The other arguments and errors are those of `train`.

    Args:
        num_epochs: A new number of epochs; by default that of the run.

    Raises:
        ModelError: The folder holds no run, or the run is damaged.
        ConfigError: More than `num_epochs` epochs have ended already.
    """
    session = TrainingSession(
        Trainer, report, Path(cache) if cache else None, progress, cluster or Cluster()
    )
    return session.resume(lambda: load_run(Path(run)), num_epochs)


def as_source(init_from: StrPath | TrainedModel | None) -> TrainedModel | None:
    """The model to start from; one that is named is read.

    Raises:
        ModelError: It is missing or damaged.
    """
    return trained_model(init_from) if isinstance(init_from, str | PathLike) else init_from


def prepare_run(
    path: Path,
    manifests: RunManifests,
    settings: Settings,
    source: TrainedModel | None = None,
    report: Callable[[str], None] = lambda line: None,
    lexicon: Path | None = None,
    alphabet: Alphabet | None = None,
    again: bool = False,
) -> Run:
    """Create a run.

    Args:
        source: A model to start from. Its alphabet is used if it has all characters of the training
            transcripts.
        report: Called with lines of text: the layers that start from `source`.
        lexicon: Pronouncing dictionary; the model gets a second output for its phones.
        alphabet: The alphabet of the model; by default the characters of the training transcripts.
        again: Whether the folder may hold this run already, with a checkpoint, which stays.

    Raises:
        DataError: The lexicon cannot be read.
        TrainingError: The training manifests have no transcript, or another process trains in the
            folder.
        ConfigError: The folder holds a run already, or no layer of the other model fits.
    """
    manifests.check_weights(settings)
    alphabet = alphabet or derive_alphabet(manifests.train)
    phones = Lexicon.read(lexicon).alphabet if lexicon else None
    if (
        source
        and not source.alphabet.separator
        and set(alphabet.symbols) <= set(source.alphabet.symbols)
    ):
        alphabet = source.alphabet
    origin = source.path if source else None
    run = Run(path, settings, alphabet, *manifests.paths, origin, lexicon, phones)
    if not source:
        return created(run, None, report, again)
    start = partial(
        transfer, source, alphabet=alphabet, frozen_layers=settings.training.frozen_layers,
        report=report, phones=phones,
    )  # fmt: skip
    return created(run, start, report, again)
