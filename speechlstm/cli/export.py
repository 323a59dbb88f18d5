"""`speechlstm export`: export the model of a run or of a bundle to a bundle."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from speechlstm.cli.options import max_utterances_option
from speechlstm.cli.output import say, show, show_lines
from speechlstm.cli.training import acoustic_quantize_option, load_keras, target_option
from speechlstm.cli.types import PATH, BundlePath, NumberRange, OutputFolder
from speechlstm.cli.verbs import verb

if TYPE_CHECKING:
    from speechlstm.bundle import Bundle
    from speechlstm.training.acoustic.conversion import Target
    from speechlstm.training.acoustic.verification import Verification
    from speechlstm.training.tflite.edit import Quantization


@verb()
@click.argument("run", type=BundlePath())
@click.option(
    "-o",
    "--output",
    "bundle",
    type=OutputFolder(is_replaced=True),
    required=True,
    metavar="BUNDLE",
    help="Folder of the bundle.",
)
@target_option("both")
@click.option(
    "--seconds",
    type=NumberRange(min=0.1, max=60),
    help="Length of all inputs of model.portable.tflite, for runtimes that allow only one; shorter "
    "recordings are padded.  [default: any length]",
)
@acoustic_quantize_option("that of the bundle; none for a run")
@click.option(
    "--calibrate",
    "calibration",
    type=PATH,
    multiple=True,
    metavar="MANIFEST",
    help="Recordings on which the outputs are to change least by int4, such as training data; 64 "
    "of them are used, texts are not needed.  [default: weights are rounded to the nearest]",
)
@click.option(
    "--verify",
    "manifests",
    type=PATH,
    multiple=True,
    metavar="MANIFEST",
    help="Transcribed utterances to verify the bundle on; may be given several times.  "
    "[default: the validation manifests of the run; synthetic sounds for a bundle]",
)
@max_utterances_option(100, "verify on")
@click.option(
    "--golden",
    type=OutputFolder(is_replaced=True),
    metavar="DIR",
    help="Also write recordings of --verify with their log-probabilities and texts, to test a port "
    "to another language against.",
)
def command(
    run: Path,
    bundle: Path,
    targets: "tuple[Target, ...]",
    seconds: float | None,
    quantization: "Quantization | None",
    manifests: tuple[Path, ...],
    max_utterances: int,
    golden: Path | None,
    calibration: tuple[Path, ...],
) -> None:
    """Export the best model of RUN to a bundle for LiteRT (TensorFlow Lite).

    RUN is the folder of a run, or a bundle whose model gets another form: english, a folder or a
    .tflite file. Before the bundle is written, its models are run without TensorFlow and compared
    with the Keras model: size, real-time factor, largest difference of log-probabilities, word
    error rate, operators. An existing BUNDLE keeps its decoder (language models, lexicon,
    settings), except for the calibration of confidences; `speechlstm tune` then finds settings for
    the new model.

    The RUN or bundle of a classifier becomes a bundle for speechlstm classify; its share of wrong
    classes stands in place of the word error rate.

    \b
    Example:
      speechlstm export runs/an4 -o an4-model --quantize int8
      speechlstm export english --target everywhere --quantize int4 -o pocket
    """
    if seconds is not None and "everywhere" not in targets:
        raise click.UsageError("--seconds needs --target everywhere or both")
    if calibration and quantization not in ("int4", None):
        raise click.UsageError("--calibrate needs --quantize int4")
    load_keras("tensorflow")  # whatever backend the run was trained with
    from speechlstm.bundle import read_bundle
    from speechlstm.training import export
    from speechlstm.training.acoustic.conversion import FILES
    from speechlstm.training.classification.export import export_classifier
    from speechlstm.training.classification.trained import is_classifier

    common = (
        run, bundle, quantization, manifests, max_utterances, _Reports(), targets, seconds,
    )  # fmt: skip
    if is_classifier(run):
        if golden or calibration:
            option = "--golden" if golden else "--calibrate"
            raise click.UsageError(f"{option} is for recognisers, and {run} is a classifier")
        export_classifier(*common)
        say(f"to use it: speechlstm classify --bundle {bundle} FILE...")
        return
    existed = (bundle / "bundle.json").exists()
    export(*common, golden, calibration)
    written = read_bundle(bundle)
    decoder = written.decoder
    if existed and decoder.files and not decoder.calibration:
        kept = ", ".join(path.name for path in decoder.files)
        say(
            f"Kept the decoder of the previous bundle, with {kept}. Its settings were tuned for "
            f"the previous model, and confidences are no longer calibrated; to tune them: "
            f"speechlstm tune {bundle}"
        )
    for line in [*_next_steps(bundle, [FILES[name] for name in targets]), *_live(written)]:
        say(line)


class _Reports:
    """Prints verifications, with an empty line between two."""

    def __init__(self) -> None:
        self._is_first = True

    def __call__(self, verification: "Verification") -> None:
        if not self._is_first:
            show("")
        self._is_first = False
        show_lines(verification.to_text())


def _live(bundle: "Bundle") -> list[str]:
    """What a unidirectional network is for: live recognition, if it has been trained for that."""
    from speechlstm.bundle import STREAMING_MODEL
    from speechlstm.training.acoustic.streaming import why_not_streaming

    acoustic = bundle.acoustic
    if acoustic.network.bidirectional:
        return []
    if reason := why_not_streaming(acoustic.features, acoustic.network):
        return [f"live: {STREAMING_MODEL} not written: {reason}"]
    path = bundle.path
    return [f"live: {path / STREAMING_MODEL}, which speechlstm listen --bundle {path} uses"]


def _next_steps(bundle: Path, files: list[str]) -> list[str]:
    """What to do with the files on each platform: three lines."""
    first, last = bundle / files[0], bundle / files[-1]
    apps = "TensorFlow Lite's Interpreter" if files[0] == "model.tflite" else "CompiledModel"
    browser = (
        f"{last} with LiteRT.js (scripts/pocket/web)"
        if files[-1] != "model.tflite"
        else "speechlstm export with --target everywhere"
    )
    return [
        f"Android, iOS: {first} with {apps} (scripts/pocket)",
        f"browser, Node: {browser}",
        f"C and others: {last}, scripts/pocket/c/recognise.c, data/README.md, --golden DIR",
    ]
