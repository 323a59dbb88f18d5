"""From manifests to a trained run: what the command line and the recipes in scripts/ share."""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import keras

from speechlstm.bundle import find_bundle
from speechlstm.config import Settings
from speechlstm.corpora.manifest import Manifest
from speechlstm.errors import ConfigError, SpeechLSTMError, TrainingError, counted, printable
from speechlstm.storage import write_atomically
from speechlstm.text.alphabet import Alphabet
from speechlstm.text.lexicon import Lexicon
from speechlstm.training.acoustic.corpus import Corpus, derive_alphabet, load_corpus
from speechlstm.training.acoustic.run import Run, load_run
from speechlstm.training.acoustic.trainer import Trainer
from speechlstm.training.acoustic.transfer import Source, read_source, transfer
from speechlstm.training.data.augment import load_noise
from speechlstm.training.engine.distribution import Cluster
from speechlstm.training.engine.run_folder import locked

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
        train: Manifest, or several, to learn from.
        valid: Manifest, or several, to measure on each epoch: of other speakers.
        run: Folder to fill; a run that is there must not have learnt anything yet.
        settings: Features, network, training; by default those of `init_from` or of Settings().
        init_from: Bundle ("english": the package's) or run to start from: every layer of it that
            fits is kept.
        lexicon: Pronouncing dictionary; the model will have a second output, for its phones.
        cache: Folder for decoded recordings; the run's own if None.
        report: Is given lines of text: what cannot be used, how each epoch went.
        progress: Whether to show progress bars on stderr.
        cluster: Who shares each batch.
        only_prepare: Whether to end with the recordings decoded, for `resume` to train.
        alphabet: What the model emits; by default, the characters of the training transcripts.

    Returns:
        The run; `export` makes a bundle of its best epoch.

    Raises:
        DataError: A manifest or the lexicon cannot be read.
        TrainingError: No usable utterance, a recording is in manifests of both kinds, another
            process trains in the folder, or too many losses are not finite.
        ConfigError: The folder holds a run already, or settings do not fit together.
        ModelError: What to start from is damaged.
        KeyboardInterrupt: Ctrl-C; `resume` goes on.
        SystemExit: SIGTERM, likewise.
    """
    path, folder = Path(run), Path(cache) if cache else None
    source = read_source(find_bundle(init_from)) if isinstance(init_from, str | Path) else init_from
    settings = settings or (source.settings if source else Settings())
    dictionary = Path(lexicon) if lexicon else None
    with locked(path):
        made = prepare_run(
            path, _paths(train), _paths(valid), settings, source, report, dictionary, alphabet
        )
        try:
            data = load_data(made, report, folder, progress)
        except SpeechLSTMError:
            made.forget()  # so that nothing is left of a run that cannot be
            raise
        if not only_prepare:
            train_run(made, report, folder, progress, cluster, data)
    return made


def resume(
    run: str | Path,
    num_epochs: int | None = None,
    *,
    cache: str | Path | None = None,
    report: Callable[[str], None] = lambda line: None,
    progress: bool = False,
    cluster: Cluster | None = None,
) -> Run:
    """Go on with a run where it was stopped; it ends as if it never had been.

    Args:
        run: Its folder.
        num_epochs: Another number of epochs than it was made with.
        cache: See train.
        report: See train.
        progress: See train.
        cluster: See train.

    Raises:
        ModelError: The folder holds no run, or it is damaged.
        ConfigError: More epochs have ended than it shall have.
        DataError: See train.
        TrainingError: See train.
        KeyboardInterrupt: See train.
        SystemExit: See train.
    """
    path, cluster = Path(run), cluster or Cluster()
    load_run(path)  # or nothing is locked
    with locked(path) if cluster.leads else nullcontext():
        found = load_run(path)
        if num_epochs is not None:
            found = found.prolonged(num_epochs)
        train_run(found, report, Path(cache) if cache else None, progress, cluster)
    return found


def _paths(paths: Paths) -> tuple[Path, ...]:
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
) -> Run:
    """A new run; its alphabet is made of the training transcripts' characters.

    Args:
        path: Its folder.
        train: Manifests to learn from.
        valid: Manifests to measure on.
        settings: Features, model, training.
        source: Another model to start from. Its alphabet is kept if it has all these characters.
        report: Is given lines of text: what was kept of the other model.
        lexicon: Pronouncing dictionary; the model will have a second output for its phones.
        alphabet: What the model emits instead.

    Raises:
        DataError: The lexicon cannot be read.
        ManifestError: A manifest cannot be read.
        TrainingError: No transcript in the training manifests, a recording is in both, or another
            process trains in the folder.
        ConfigError: The folder holds a run already, or nothing of the other model fits.
    """
    manifests = [Manifest(p) for p in train]
    _refuse_leakage(manifests, [Manifest(p) for p in valid])
    alphabet = alphabet or derive_alphabet(manifests)
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
    model = None
    if source:
        keras.utils.set_random_seed(settings.training.seed)
        model = run.new_network()
        transfer(source, model, alphabet, settings.training.frozen_layers, report, run.phones)
    with locked(path):
        run.create(model)
    return run


def _refuse_leakage(train: Sequence[Manifest], valid: Sequence[Manifest]) -> None:
    learnt = {m.audio_path(u).resolve() for m in train for u in m}
    for manifest in valid:
        for utterance in manifest:
            if manifest.audio_path(utterance).resolve() in learnt:
                raise TrainingError(
                    f"{manifest.path}: {utterance.id} is in a training manifest too; "
                    "split with: speechlstm manifest split"
                )


def load_data(
    run: Run, report: Callable[[str], None], cache: Path | None = None, progress: bool = False
) -> tuple[Corpus, Corpus]:
    """What a run learns from and what it is measured on; decodes what is not decoded yet.

    Args:
        run: The run; what it cannot use is listed in its refused.txt.
        report: Is given lines of text.
        cache: Folder for decoded recordings; the run's own if None.
        progress: Whether to show progress bars on stderr.

    Raises:
        ManifestError: A manifest cannot be read.
        TrainingError: No usable utterance, or a recording is in manifests of both kinds.
    """
    cache, dictionary = cache or run.path / "cache", run.dictionary()
    _refuse_leakage([Manifest(p) for p in run.train], [Manifest(p) for p in run.valid])
    train, valid = (
        load_corpus(
            [Manifest(p) for p in paths], run.alphabet, run.settings, cache, progress,
            dictionary,
        )
        for paths in (run.train, run.valid)
    )  # fmt: skip
    refused = [*train.refused, *valid.refused]
    settings = run.settings
    noise = load_noise(settings.augmentation, settings.features.sample_rate, cache, progress)
    if noise:
        train = replace(train, noise=noise)
        refused += noise.failures.values()
    if refused:
        path = run.path / "refused.txt"
        write_atomically(path, "".join(f"{printable(reason)}\n" for reason in refused))
        report(
            f"warning: {counted(len(refused), 'recording')} cannot be used, the first: "
            f"{refused[0]}; all: {path}"
        )
    return train, valid


def train_run(
    run: Run,
    report: Callable[[str], None],
    cache: Path | None = None,
    progress: bool = False,
    cluster: Cluster | None = None,
    data: tuple[Corpus, Corpus] | None = None,
) -> None:
    """Train a run from its last checkpoint, or from the start where there is none.

    Args:
        run: The run.
        report: Is given lines of text.
        cache: Folder for decoded recordings; the run's own if None.
        progress: Whether to show progress bars on stderr.
        cluster: Who shares each batch: all processes see the same files, process 0 writes.
        data: What `load_data` gave, if it was called already.

    Raises:
        ManifestError: A manifest cannot be read.
        TrainingError: No usable utterance, too many losses are not finite, a process is missing, or
            another one trains the run.
        KeyboardInterrupt: Ctrl-C; the run can be resumed.
        SystemExit: SIGTERM, likewise.
    """
    cluster = cluster or Cluster()
    with locked(run.path) if cluster.leads else nullcontext():
        train, valid = data or load_data(run, report, cache, progress)
        with cluster.joined(_digest(run, train, valid)):
            trainer = Trainer(run, train, valid, report, progress, cluster)
            trainer.resume()
            report(
                f"{counted(len(train.examples), 'utterance')} to learn from, "
                f"{len(valid.examples)} to measure on, {trainer.network.count_params():,} weights, "
                f"{run.alphabet.num_labels} labels, {counted(cluster.total_devices, 'device')}; "
                f"recurrent layers: {trainer.network.recurrent[0].engine}"
            )
            trainer.train()


def _digest(run: Run, *corpora: Corpus) -> str:
    """Of all that processes which train a run together must have in common."""
    digest = hashlib.sha256()
    for path in (run.description, run.initial, run.checkpoint):
        digest.update(path.read_bytes() if path.exists() else b"")
    for corpus in corpora:
        digest.update(repr(corpus.examples).encode())
    return digest.hexdigest()
