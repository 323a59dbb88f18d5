"""The arguments of commands on a recording of a known text."""

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from speechlstm.cli.options import bundle_option, channel_option, raw_option, read_text
from speechlstm.errors import DataError
from speechlstm.transcript.formats import SUFFIXES

_PATH = click.Path(path_type=Path, allow_dash=True)
_OTHER_FORMATS = SUFFIXES.keys() - {".txt", ".srt", ".vtt"}
_PARAMETERS = (
    click.argument("audio", type=_PATH),
    click.argument("text", type=_PATH, required=False),
    click.option(
        "--text", "words", metavar="WORDS", help="The text itself, instead of the file TEXT."
    ),
    bundle_option,
    channel_option,
    raw_option,
)


def known_text(function: Callable[..., None]) -> Callable[..., None]:
    """Adds AUDIO and TEXT or --text to a command, as `audio` and `content`, and their options.

    These are --bundle, --channel and --raw, as `bundle`, `channel` and `raw_rate`.
    """

    @wraps(function)
    def command(*args: Any, audio: Path, text: Path | None, words: str | None, **rest: Any) -> None:
        if (text is None) == (words is None):
            raise click.UsageError("needs either the file TEXT or --text WORDS")
        if text == audio == Path("-"):
            raise click.UsageError("only one of AUDIO and TEXT can be standard input")
        # Path.exists raises an error for words that are longer than names may be.
        if text and text != Path("-") and not os.path.exists(text):  # noqa: PTH110
            raise DataError(f"{text}: No such file or directory; for words themselves: --text")
        if text and text.suffix.lower() in _OTHER_FORMATS:
            raise DataError(f"{text}: is no text; write what is spoken into a .txt file")
        content = words or "" if text is None else read_text(text)
        function(*args, **rest, audio=audio, content=content)

    for parameter in reversed(_PARAMETERS):
        command = parameter(command)
    return command
