"""The export step: a verified bundle, which is moved to its place at the end."""

from collections.abc import Callable
from pathlib import Path

from speechlstm.bundle import read_bundle
from speechlstm.errors import counted
from speechlstm.storage import folder_written_atomically, write_atomically
from speechlstm.training.acoustic.export import MAX_UTTERANCES, export, export_model
from speechlstm.training.acoustic.network import AcousticNetwork
from speechlstm.training.acoustic.recordings import read_recordings
from speechlstm.training.acoustic.run import Run, load_run
from speechlstm.training.acoustic.verification import Verification
from speechlstm.training.adaptation.adaptation import Adaptation
from speechlstm.training.adaptation.folds import initial_network, validated
from speechlstm.training.adaptation.time_left import EXPORT


def export_adapted(adaptation: Adaptation) -> None:
    """Export the run, or the network of the base if none is better; tuning adds the decoder."""
    path = adaptation.work / "bundle"
    if (path / "bundle.json").exists():
        return
    for name in ("report.json", "bundle"):  # of one that is lost, or was only partly removed
        adaptation.work.remove(name)
    adaptation.report(adaptation.time_left.begin(EXPORT))

    def report(verification: Verification) -> None:
        adaptation.report(_describe(verification))

    if (adaptation.work / "run" / "run.json").exists():
        run = load_run(adaptation.work / "run")
        network = averaged(run, adaptation.keep)
        if not _is_worse(network, run, adaptation):
            _export_network(network, run, adaptation, path, report)
            return
    export(
        adaptation.base.path, path, adaptation.quantization, [adaptation.held_out.path],
        report=report, targets=adaptation.targets,
    )  # fmt: skip


def _export_network(
    network: AcousticNetwork,
    run: Run,
    adaptation: Adaptation,
    path: Path,
    report: Callable[[Verification], None],
) -> None:
    recordings = read_recordings(
        [adaptation.held_out.path], run.settings.features.sample_rate, MAX_UTTERANCES
    )
    training = run.settings.training.to_dict() | {
        "best_epoch": run.summary(), "adapted_from": adaptation.base.path.name,
        "keep": adaptation.keep,
    }  # fmt: skip
    export_model(
        network, run.alphabet, recordings, path, adaptation.quantization or "int8", training,
        report, run.phones, adaptation.targets,
    )  # fmt: skip


def _is_worse(network: AcousticNetwork, run: Run, adaptation: Adaptation) -> bool:
    """Whether a network has more errors than that of the base on what is held out.

    That is not asked if the user has chosen the number of epochs, or cross-validation has, which
    measures four times as much speech; nor with another alphabet, which the base cannot write.
    """
    if adaptation.plan.num_folds or adaptation.num_epochs or not adaptation.same_labels:
        return False
    found = [
        validated(each, run, adaptation.work / "cache") for each in (network, initial_network(run))
    ]
    own, base = ((each.words.rate, each.characters.rate) for each in found)
    if own > base:
        adaptation.report(
            "more errors than the base on what is held out: its network stays as it is, only "
            "lexicon and language model become yours; --keep 0.5 tries the average of both, "
            "without training again"
        )
    return own > base


def averaged(run: Run, keep: float) -> AcousticNetwork:
    """The best weights of a run, averaged with those it started from (WiSE-FT).

    Wortsman et al., Robust fine-tuning of zero-shot models, https://arxiv.org/abs/2109.01903: the
    average of a network before and after fine-tuning is good on both kinds of data.

    Args:
        keep: The weight of those that it started from, 0..1.
    """
    model = run.best_network()
    if keep:
        for ours, theirs in zip(model.weights, initial_network(run).weights, strict=True):
            ours.assign((1 - keep) * ours + keep * theirs)
    return model


def _describe(verification: Verification) -> str:
    return (
        f"exported {verification.file} and verified it on "
        f"{counted(verification.num_utterances, 'utterance')}: "
        f"{verification.num_bytes / 1e6:.1f} MB, RTF {verification.rtf:.3f}, WER "
        f"{100 * verification.wer_change:+.2f} points"
    )


def publish(bundle: Path, path: Path) -> None:
    """Write a finished bundle to its place; the README.md of one that it replaces is kept."""
    read_bundle(bundle)  # verifies it
    card = path / "README.md"
    files = [*sorted(bundle.iterdir()), *([card] if card.is_file() else [])]
    with folder_written_atomically(path) as folder:
        for file in files:
            write_atomically(folder / file.name, file.read_bytes())
