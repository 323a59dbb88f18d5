"""Training of a classifier, from manifests to a run; used by the command line and scripts."""

from collections.abc import Callable
from functools import partial
from os import PathLike
from pathlib import Path

from speechlstm.arguments import StrPath
from speechlstm.config import LabelField, Settings
from speechlstm.errors import quoted
from speechlstm.training.acoustic.manifests import Paths, RunManifests
from speechlstm.training.acoustic.session import TrainingSession, created
from speechlstm.training.classification.corpus import check_labels, classes_of, similar_classes
from speechlstm.training.classification.run import ClassifierRun, load_classifier_run
from speechlstm.training.classification.trainer import ClassifierTrainer
from speechlstm.training.classification.transfer import Trained, read_encoder, transfer
from speechlstm.training.engine.distribution import Cluster


def train_classifier(
    train: Paths,
    valid: Paths,
    run: StrPath,
    label: LabelField = "label",
    settings: Settings | None = None,
    *,
    init_from: StrPath | Trained | None = None,
    cache: StrPath | None = None,
    report: Callable[[str], None] = lambda line: None,
    progress: bool = False,
    cluster: Cluster | None = None,
    only_prepare: bool = False,
) -> ClassifierRun:
    """Train a network that gives an utterance one of several classes.

        from speechlstm.training import export_classifier, train_classifier

        run = train_classifier("train.jsonl", "valid.jsonl", "runs/who", label="speaker")
        export_classifier(run, "who")

    Args:
        train: Training manifest, or several.
        valid: Validation manifest, or several, of other recordings; evaluated after each epoch.
        run: Folder of the run; as for `speechlstm.training.train`.
        label: The field of the manifests that has the class of an utterance: "label", "speaker" or
            "text".
        settings: Features, network, training; by default those of `init_from`, or Settings().
        init_from: Bundle ("english" for that of the package) or run, of a recogniser or of a
            classifier, whose weights the training starts from, for every layer that fits.
        cache: Folder for decoded recordings; by default a folder in the run.
        report: Called with lines of text: unusable utterances, the metrics of each epoch.
        progress: Whether to show progress bars on stderr.
        cluster: The devices that share each batch.
        only_prepare: Whether to stop after decoding the recordings; `resume_classifier` then
            trains.

    Returns:
        The run; `export_classifier` writes a bundle of its best epoch.

    Raises:
        DataError: A manifest cannot be read.
        TrainingError: A label is missing, or is in validation manifests only, or all are the same;
            or as `speechlstm.training.train`.
        ConfigError: As `speechlstm.training.train`.
        ModelError: The model to start from is damaged.
        KeyboardInterrupt: Ctrl-C was pressed; `resume_classifier` continues the run.
        SystemExit: SIGTERM or SIGHUP was received; `resume_classifier` continues the run.
    """
    path, cluster = Path(run), cluster or Cluster()
    session = TrainingSession(
        ClassifierTrainer, report, Path(cache) if cache else None, progress, cluster
    )

    def prepare() -> tuple[ClassifierRun, RunManifests]:
        source = read_encoder(init_from) if isinstance(init_from, str | PathLike) else init_from
        manifests = RunManifests.read(train, valid)
        chosen = settings or (source.settings if source else Settings())
        made = prepare_run(path, manifests, label, chosen, source, report, cluster.launched)
        return made, manifests

    return session.start(path, prepare, load_classifier_run, only_prepare)


def resume_classifier(
    run: StrPath,
    num_epochs: int | None = None,
    *,
    cache: StrPath | None = None,
    report: Callable[[str], None] = lambda line: None,
    progress: bool = False,
    cluster: Cluster | None = None,
) -> ClassifierRun:
    """Continue a run from its last checkpoint; see `speechlstm.training.resume`."""
    session = TrainingSession(
        ClassifierTrainer, report, Path(cache) if cache else None, progress, cluster or Cluster()
    )
    return session.resume(lambda: load_classifier_run(Path(run)), num_epochs)


def prepare_run(
    path: Path,
    manifests: RunManifests,
    label: LabelField,
    settings: Settings,
    source: Trained | None = None,
    report: Callable[[str], None] = lambda line: None,
    again: bool = False,
) -> ClassifierRun:
    """Create a run; other arguments and errors are those of train_classifier.

    With `again`, the folder may hold this run already, with a checkpoint, which stays.
    """
    manifests.check_weights(settings)
    classes = classes_of(manifests.train, label)
    check_labels(manifests.valid, label, classes)
    for first, second in similar_classes(classes):
        report(f"warning: {quoted(first)} and {quoted(second)} are two classes")
    origin = source.path if source else None
    run = ClassifierRun(path, settings, label, classes, *manifests.paths, origin)
    if not source:
        return created(run, None, report, again)
    start = partial(
        transfer, source, classes=classes, frozen_layers=settings.training.frozen_layers,
        report=report,
    )  # fmt: skip
    return created(run, start, report, again)
