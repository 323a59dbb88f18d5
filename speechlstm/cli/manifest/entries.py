"""Writes the entries of a manifest, and says what is left out."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from speechlstm.cli.output import say
from speechlstm.errors import DataError, counted

if TYPE_CHECKING:
    from speechlstm.corpora.utterance import Utterance


def write_entries(
    ctx: click.Context, output: Path, entries: "Iterable[Utterance | DataError]", nothing: str
) -> None:
    """Write the utterances and print the errors among them; the exit code is 1 if there is any.

    Args:
        entries: The utterances, or the errors for which others are left out.
        nothing: The error if there is no utterance.

    Raises:
        DataError: There is no utterance. Nothing is written.
    """
    from speechlstm.corpora.manifest import write_manifest

    utterances, num_faults = [], 0
    for entry in entries:
        if isinstance(entry, DataError):
            num_faults += 1
            say(f"Error: {entry}")
        else:
            utterances.append(entry)
    if not utterances:
        raise DataError(nothing)
    write_manifest(output, utterances)
    num_silent = sum(utterance.text == "" for utterance in utterances)
    silent = f", {num_silent} of them of silence (an empty text)" if num_silent else ""
    say(f"{output}: {counted(len(utterances), 'utterance')}{silent}, {num_faults} left out")
    if num_faults:
        ctx.exit(1)
