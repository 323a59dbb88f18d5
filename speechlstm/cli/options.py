"""Options that several verbs share."""

from pathlib import Path

import click

model_option = click.option(
    "--model",
    metavar="BUNDLE",
    type=click.Path(path_type=Path),
    help="A bundle's folder or .tflite file.  [default: the model of the package]",
)
