"""`speechlstm export`: export the model of a run to a bundle."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from speechlstm.cli.options import OutputFolder
from speechlstm.cli.output import show_lines
from speechlstm.cli.training import load_keras, quantize_option
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
    help="Folder of the bundle.",
)
@quantize_option("Precision of the stored recurrent layers.")
@click.option(
    "--verify",
    "manifests",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="MANIFEST",
    help="Transcribed utterances to verify the bundle on; may be given several times.  "
    "[default: the validation manifests of RUN]",
)
@click.option(
    "--max-utterances",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="Largest number of utterances to verify on.",
)
def command(
    run: Path,
    bundle: Path,
    quantization: "Quantization",
    manifests: tuple[Path, ...],
    max_utterances: int,
) -> None:
    """Export the best model of RUN to a bundle for LiteRT (TensorFlow Lite).

    Before it is written, the bundle is run without TensorFlow and compared with the Keras model:
    size, real-time factor, largest difference of log-probabilities, word error rate, operators. An
    existing BUNDLE keeps its decoder (language models, lexicon, settings), except for the
    calibration of confidences; `speechlstm tune` then finds settings for the new model.

    \b
    Example:
      speechlstm export runs/an4 -o an4-model --quantize int8
    """
    load_keras("tensorflow")  # whatever backend the run was trained with
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
            f"Kept the decoder of the previous bundle, with {', '.join(kept)}. Its settings were "
            f"tuned for the previous model, and confidences are no longer calibrated; to tune "
            f"them: speechlstm tune {bundle}",
            err=True,
        )
