"""From recordings with texts to a verified bundle, in one call that can be resumed."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from speechlstm.arguments import StrPath
from speechlstm.bundle import find_bundle, read_bundle, refuse_to_replace_others
from speechlstm.corpora.sentences import sentences_of
from speechlstm.errors import ConfigError, DataError, SpeechLSTMError
from speechlstm.parallel import Progress, no_progress
from speechlstm.storage import address_of
from speechlstm.training.acoustic.conversion import Target
from speechlstm.training.adaptation.adaptation import Adaptation
from speechlstm.training.adaptation.comparison import Comparison
from speechlstm.training.adaptation.decoder import make_decoder
from speechlstm.training.adaptation.export import export_adapted, publish
from speechlstm.training.adaptation.plot import plot_adaptation
from speechlstm.training.adaptation.recordings import Report, prepare
from speechlstm.training.adaptation.train import train_adapted
from speechlstm.training.adaptation.tune import tune_adapted
from speechlstm.training.adaptation.work import BASE, CONTENTS, Work, fingerprint, place
from speechlstm.training.engine.lock import locked
from speechlstm.training.engine.run_folder import RunFolder
from speechlstm.training.tflite.edit import Quantization


@dataclass(frozen=True)
class Adapted:
    """The result of `adapt`.

    Attributes:
        work: The folder of intermediate files, which may be removed.
    """

    path: Path
    work: Path
    comparison: Comparison


def adapt(
    recordings: StrPath,
    bundle: StrPath,
    *,
    texts: Sequence[StrPath] = (),
    init_from: StrPath = "english",
    keep: float = 0.0,
    num_epochs: int | None = None,
    work: StrPath | None = None,
    targets: Sequence[Target] = ("interpreter",),
    quantization: Quantization | None = None,
    jobs: int = 1,
    report: Report = lambda line: None,
    progress: bool = False,
    decoding: Progress = no_progress,
) -> Adapted:
    """Adapt a recogniser to recordings with texts.

        from speechlstm.training import adapt

        adapted = adapt("recordings", "my-model", report=print)
        print(adapted.comparison.to_text())

    After an interruption, the same call continues; with another `keep`, other `targets` or another
    `quantization`, nothing is trained again.

    Args:
        recordings: A folder of recordings with their texts, or a manifest, also at an address.
        bundle: The folder of the bundle, which is written when it has been verified.
        texts: Files of sentences that are likely to be spoken, one a line.
        init_from: The bundle to start from ("english": that of the package).
        keep: How much of the base is kept, 0..1: the weight of its network's weights, its n-gram
            model and its label prior in the averages with the new ones.
        num_epochs: Number of epochs; by default it depends on the amount of speech.
        work: Folder of intermediate files; by default BUNDLE.work.
        targets: Where the model runs: see training.export.
        quantization: How to store the recurrent kernels. None: "int8", or as the base does if its
            network is not trained.
        jobs: The largest number of processes that decode.
        report: Called with lines of text.
        progress: Whether to show progress bars on stderr.
        decoding: Shows the progress of decoding.

    Raises:
        DataError: Recordings or texts cannot be used.
        TrainingError: There are too few recordings, or another process works in the folder.
        ConfigError: A setting is out of range, or the work folder is that of another adaptation.
        ModelError: The base is damaged, or the new model fails its verification.
        KeyboardInterrupt: Ctrl-C was pressed; the same call continues.
        SystemExit: SIGTERM or SIGHUP was received; the same call continues.
    """
    path, paths = Path(bundle), [Path(text) for text in texts]
    if not 0 <= keep <= 1:
        raise ConfigError(f"keep: must be in 0..1, is {keep}")
    base = _checked(recordings, path, paths, init_from)
    folder = Work(Path(work) if work else path.resolve().with_name(f"{path.resolve().name}.work"))
    adaptation = Adaptation(
        work=folder,
        base=read_bundle(base),
        keep=keep,
        num_epochs=num_epochs,
        targets=targets,
        quantization=quantization,
        jobs=jobs,
        report=report,
        progress=progress,
        decoding=decoding,
    )
    inputs = {
        "recordings": place(recordings),
        "texts": [str(text.resolve()) for text in paths],
        "init_from": str(base.resolve()),
        "keep": keep,
        "num_epochs": num_epochs,
        "targets": list(targets),
        "quantization": quantization,
        BASE: sha256((base / "bundle.json" if base.is_dir() else base).read_bytes()).hexdigest(),
        CONTENTS: fingerprint([Path(recordings), *paths], (path, folder.path)),
    }
    exported = ("bundle", "report.json")
    results = {"keep": ("lm.ngram", *exported), "targets": exported, "quantization": exported}
    folder.make()
    with locked(folder.path):  # what another call works with must not be removed
        goes_on = folder.open(inputs, results)
        report(f"{'going on' if goes_on else 'working'} in {folder.path}")
        try:
            _prepare(adaptation, Path(recordings))
        except SpeechLSTMError:
            if not goes_on:
                shutil.rmtree(folder.path, ignore_errors=True)
            raise
        comparison = _make_bundle(adaptation, paths)
        publish(folder / "bundle", path)
    return Adapted(path, folder.path, comparison)


def _checked(recordings: StrPath, bundle: Path, texts: Sequence[Path], init_from: StrPath) -> Path:
    """The folder or file of the base; what cannot be read or replaced shows before the work."""
    if not (address_of(os.fspath(recordings)) or Path(recordings).exists()):
        raise DataError(f"{os.fspath(recordings)}: no such folder or manifest")
    refuse_to_replace_others(bundle)
    base = find_bundle(init_from)
    for text in texts:
        next(sentences_of(text))
    return base


def _make_bundle(adaptation: Adaptation, texts: Sequence[Path]) -> Comparison:
    """The steps after the preparation; each leaves what an earlier call has done."""
    work = adaptation.work
    work.refuse_changes("train.jsonl", "held_out.jsonl")
    make_decoder(adaptation, texts)
    if adaptation.lexicon:
        work.refuse_changes(adaptation.lexicon.name)
    train_adapted(adaptation)
    export_adapted(adaptation)
    comparison = tune_adapted(adaptation)
    metrics = RunFolder(work / "run").read_metrics()
    plot_adaptation(metrics, comparison, work / "adaptation.png")
    return comparison


def _prepare(adaptation: Adaptation, recordings: Path) -> None:
    """Write manifests and alphabet, unless they exist."""
    if (adaptation.work / "held_out.jsonl").exists():
        return
    adaptation.source  # noqa: B018 - a base whose weights cannot be read shows before an hour is lost
    prepare(
        recordings, adaptation.work, adaptation.base.acoustic, adaptation.report,
        adaptation.progress,
    )  # fmt: skip
