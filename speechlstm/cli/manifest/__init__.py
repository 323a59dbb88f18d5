"""`speechlstm manifest`: preparation of training data."""

import click

from speechlstm.cli.verbs import VerbGroup

VERBS = ("build", "import", "check", "stats", "report", "split", "pack")


@click.group(cls=VerbGroup, package=__name__, verbs=VERBS)
def command() -> None:
    """Build, import, check, describe, split and pack manifests: lists of recordings and texts.

    \b
    Example:
      speechlstm manifest build recordings -o all.jsonl
    """
