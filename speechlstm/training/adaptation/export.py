"""The export step: a verified bundle, which is moved to its place at the end."""

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
from speechlstm.training.adaptation.time_left import EXPORT
from speechlstm.training.engine.checkpoint import load_checkpoint


def export_adapted(adaptation: Adaptation) -> None:
    """Export the run, or the network of the base if none was trained; tuning adds the decoder."""
    path = adaptation.work / "bundle"
    if (path / "bundle.json").exists():
        return
    for name in ("report.json", "bundle"):  # of one that is lost, or was only partly removed
        adaptation.work.remove(name)
    adaptation.report(adaptation.time_left.begin(EXPORT))

    def report(verification: Verification) -> None:
        adaptation.report(_describe(verification))

    if not (adaptation.work / "run" / "run.json").exists():
        export(
            adaptation.base.path, path, adaptation.quantization, [adaptation.held_out.path],
            report=report, targets=adaptation.targets,
        )  # fmt: skip
        return
    run = load_run(adaptation.work / "run")
    recordings = read_recordings(
        [adaptation.held_out.path], run.settings.features.sample_rate, MAX_UTTERANCES
    )
    training = run.settings.training.to_dict() | {
        "best_epoch": run.summary(), "adapted_from": adaptation.base.path.name,
        "keep": adaptation.keep,
    }  # fmt: skip
    export_model(
        averaged(run, adaptation.keep), run.alphabet, recordings, path,
        adaptation.quantization or "int8", training, report, run.phones, adaptation.targets,
    )  # fmt: skip


def averaged(run: Run, keep: float) -> AcousticNetwork:
    """The best weights of a run, averaged with those it started from (WiSE-FT).

    Wortsman et al., Robust fine-tuning of zero-shot models, https://arxiv.org/abs/2109.01903: the
    average of a network before and after fine-tuning is good on both kinds of data.

    Args:
        keep: The weight of those that it started from, 0..1.
    """
    model = run.best_network()
    if keep:
        start = run.new_network()
        load_checkpoint(run.initial, {"model": start.variables})
        for ours, theirs in zip(model.weights, start.weights, strict=True):
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
