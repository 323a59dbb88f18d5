"""`speechlstm export`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from speechlstm.cli.options import OutputFolder
from speechlstm.cli.output import show_lines
from speechlstm.cli.training import load_keras
from speechlstm.cli.verbs import verb

if TYPE_CHECKING:
    from speechlstm.training.tflite.edit import Quantization


@verb()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    "bundle",
    type=OutputFolder(),
    required=True,
    metavar="BUNDLE",
    help="Folder to write.",
)
@click.option(
    "--quantize",
    "quantization",
    type=click.Choice(["none", "float16", "int8"]),
    default="none",
    show_default=True,
    help="Store the recurrent layers in fewer bits.",
)
@click.option(
    "--verify",
    "manifests",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="MANIFEST",
    help="Transcribed utterances to verify the bundle on; may be given several times.  "
    "[default: those that RUN was validated on]",
)
@click.option(
    "--max-utterances",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="How many of them at most.",
)
def command(
    run: Path,
    bundle: Path,
    quantization: "Quantization",
    manifests: tuple[Path, ...],
    max_utterances: int,
) -> None:
    """Make a bundle for LiteRT (TensorFlow Lite) of the best model of RUN.

    The bundle is run without TensorFlow and compared with the model in Keras before it is written:
    size, real-time factor, largest difference of a log-probability, word error rate, operators.
    Where BUNDLE was one before, it keeps its decoder (language models, lexicon, settings), but for
    the calibration; then `speechlstm tune` finds settings for the new model.

    \b
    Example:
      speechlstm export runs/an4 -o an4-model --quantize int8
    """
    load_keras("tensorflow")  # whichever the run was trained on
    from speechlstm.bundle import read_bundle
    from speechlstm.training import export

    export(
        run,
        bundle,
        quantization,
        manifests,
        max_utterances,
        report=lambda verification: show_lines(verification.to_text()),
    )
    kept = [path.name for path in read_bundle(bundle).decoder.files]
    if kept:
        click.echo(
            f"Kept of the bundle that was there: its decoder, with {', '.join(kept)}. Its settings "
            f"are of the model before, confidences are not calibrated: speechlstm tune {bundle}",
            err=True,
        )
