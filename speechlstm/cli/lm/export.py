"""`speechlstm lm export`: export an LSTM language model for the decoder."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from speechlstm.cli.output import show
from speechlstm.cli.training import load_keras, quantize_option
from speechlstm.cli.types import PATH, OutputPath
from speechlstm.cli.verbs import verb

if TYPE_CHECKING:
    from speechlstm.training.tflite.edit import Quantization


@verb()
@click.argument("run", type=PATH)
@click.option("-o", "--output", metavar="LM.tflite", type=OutputPath((".tflite",)), required=True)
@quantize_option("Precision of the stored embeddings and kernels.")
def command(run: Path, output: Path, quantization: "Quantization") -> None:
    """Export the best model of RUN to a .tflite file.

    Before it is written, the file is run by LiteRT on the validation text of RUN; it is refused if
    its perplexity differs from that of the Keras model.

    \b
    Example:
      speechlstm lm export runs/lm -o books.tflite --quantize int8
    """
    load_keras("tensorflow")  # whatever backend the run was trained with
    from speechlstm.training.lm.export import export_language_model
    from speechlstm.training.lm.run import load_language_model_run

    expected, found = export_language_model(load_language_model_run(run), output, quantization)
    show(
        f"{output}: {output.stat().st_size / 1e6:.3g} MB; validation perplexity {found:.2f}, "
        f"{expected:.2f} in Keras"
    )
