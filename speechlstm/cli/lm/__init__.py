"""`speechlstm lm`: commands for language models."""

import click

from speechlstm.cli.verbs import VerbGroup

VERBS = ("build", "convert", "perplexity", "train", "export", "sample")


@click.group(cls=VerbGroup, package=__name__, verbs=VERBS)
def command() -> None:
    """Train language models on text, convert them, and measure their perplexity.

    \b
    Example:
      speechlstm lm build books.txt.gz -o books.lm
    """
