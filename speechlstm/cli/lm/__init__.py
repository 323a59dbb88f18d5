"""`speechlstm lm`: language models, which tell the decoder which words are likely."""

import click

from speechlstm.cli.verbs import VerbGroup

VERBS = ("build", "convert", "perplexity", "train", "export", "sample")


@click.group(cls=VerbGroup, package=__name__, verbs=VERBS)
def command() -> None:
    """Make language models from text, and measure how well they predict a text.

    \b
    Example:
      speechlstm lm build books.txt.gz -o books.lm
    """
