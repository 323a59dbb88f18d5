"""`speechlstm manifest`: preparation of training data."""

import click

from speechlstm.cli.verbs import VerbGroup

VERBS = ("build", "import", "check", "stats", "report", "split")


@click.group(cls=VerbGroup, package=__name__, verbs=VERBS)
def command() -> None:
    """Build, import, check, describe and split manifests: lists of recordings and their texts.

    \b
    Example:
      speechlstm manifest build recordings -o all.jsonl
    """
