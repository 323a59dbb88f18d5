"""`speechlstm lm`: commands for language models."""

import click

from speechlstm.cli.verbs import VerbGroup

VERBS = ("build", "convert", "perplexity", "compare", "train", "export", "sample", "next")


@click.group(cls=VerbGroup, package=__name__, verbs=VERBS)
def command() -> None:
    """Train language models on text, convert and compare them, and let them go on with a text.

    \b
    Example:
      speechlstm lm build books.txt.gz -o books.lm
    """
