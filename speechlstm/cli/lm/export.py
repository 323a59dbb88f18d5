"""`speechlstm lm export`: an LSTM language model as the decoder runs it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from speechlstm.cli.options import OutputPath
from speechlstm.cli.output import show
from speechlstm.cli.training import load_keras
from speechlstm.cli.verbs import verb

if TYPE_CHECKING:
    from speechlstm.training.tflite.edit import Quantization

_PATH = click.Path(path_type=Path)


@verb()
@click.argument("run", type=_PATH)
@click.option("-o", "--output", metavar="LM.tflite", type=OutputPath((".tflite",)), required=True)
@click.option(
    "--quantize",
    "quantization",
    type=click.Choice(["none", "float16", "int8"]),
    default="none",
    show_default=True,
    help="Store embeddings and kernels in fewer bits.",
)
def command(run: Path, output: Path, quantization: "Quantization") -> None:
    """Make a .tflite file of the best model of RUN.

    It is run by LiteRT on RUN's validation text before it is written, and refused if its
    perplexity is not that of the model in Keras.

    \b
    Example:
      speechlstm lm export runs/lm -o books.tflite --quantize int8
    """
    load_keras("tensorflow")  # whichever the run was trained on
    from speechlstm.training.lm.export import export_language_model
    from speechlstm.training.lm.run import load_language_model_run

    expected, found = export_language_model(load_language_model_run(run), output, quantization)
    show(
        f"{output}: {output.stat().st_size / 1e6:.3g} MB; validation perplexity {found:.2f}, in "
        f"Keras {expected:.2f}"
    )
