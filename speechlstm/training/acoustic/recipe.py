"""From manifests to a trained run: what the command line and the recipes in scripts/ share."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import keras

from speechlstm.config import Settings
from speechlstm.corpora.manifest import Manifest
from speechlstm.errors import ConfigError, TrainingError, counted, printable
from speechlstm.storage import write_atomically
from speechlstm.text.lexicon import Lexicon
from speechlstm.training.acoustic.run import Run
from speechlstm.training.acoustic.trainer import Trainer
from speechlstm.training.acoustic.transfer import Source, transfer
from speechlstm.training.data.augment import load_noise
from speechlstm.training.data.dataset import Corpus, derive_alphabet, load_corpus
from speechlstm.training.engine.devices import keep_freed_memory
from speechlstm.training.engine.distribution import Cluster


def prepare_run(
    path: Path,
    train: Sequence[Path],
    valid: Sequence[Path],
    settings: Settings,
    source: Source | None = None,
    report: Callable[[str], None] = lambda line: None,
    lexicon: Path | None = None,
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

    Raises:
        DataError: The lexicon cannot be read.
        ManifestError: A manifest cannot be read.
        TrainingError: No transcript in the training manifests, or a recording is in both.
        ConfigError: The folder holds a run already, or nothing of the other model fits.
    """
    manifests = [Manifest(p) for p in train]
    _refuse_leakage(manifests, [Manifest(p) for p in valid])
    alphabet = derive_alphabet(manifests)
    phones = Lexicon.read(lexicon).alphabet if lexicon else None
    lists = tuple(train), tuple(valid)
    if source is None:
        if settings.training.frozen_layers:
            raise ConfigError("training.frozen_layers: needs a model to start from (--init-from)")
        run = Run(path, settings, alphabet, *lists, lexicon=lexicon, phones=phones)
        run.create()
        return run
    if not source.alphabet.separator and set(alphabet.symbols) <= set(source.alphabet.symbols):
        alphabet = source.alphabet
    run = Run(path, settings, alphabet, *lists, source.path, lexicon, phones)
    keras.utils.set_random_seed(settings.training.seed)
    model = run.new_model()
    transfer(source, model, alphabet, settings.training.frozen_layers, report, run.phones)
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
        TrainingError: No usable utterance.
    """
    cache, dictionary = cache or run.path / "cache", run.dictionary()
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
) -> None:
    """Train a run from its last checkpoint, or from the start where there is none.

    Args:
        run: The run.
        report: Is given lines of text.
        cache: Folder for decoded recordings; the run's own if None.
        progress: Whether to show progress bars on stderr.
        cluster: Who shares each batch: all processes see the same files, process 0 writes.

    Raises:
        ManifestError: A manifest cannot be read.
        TrainingError: No usable utterance, too many losses are not finite, or a process is missing.
        KeyboardInterrupt: Ctrl-C; the run can be resumed.
    """
    keep_freed_memory()
    cluster = cluster or Cluster()
    train, valid = load_data(run, report, cache, progress)
    with cluster.joined(_digest(run, train, valid)):
        trainer = Trainer(run, train, valid, report, progress, cluster)
        trainer.resume()
        report(
            f"{counted(len(train.examples), 'utterance')} to learn from, {len(valid.examples)} to "
            f"measure on, {trainer.model.count_params():,} weights, "
            f"{run.alphabet.num_labels} labels, "
            f"{counted(cluster.total_devices, 'device')}; "
            f"recurrent layers: {trainer.model.recurrent[0].engine}"
        )
        trainer.train()


def _digest(run: Run, *corpora: Corpus) -> str:
    """Of all that processes which train a run together must have in common."""
    digest = hashlib.sha256()
    for path in (run.path / "run.json", run.initial, run.checkpoint):
        digest.update(path.read_bytes() if path.exists() else b"")
    for corpus in corpora:
        digest.update(repr(corpus.examples).encode())
    return digest.hexdigest()
